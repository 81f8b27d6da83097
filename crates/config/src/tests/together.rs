//! What several files do to each other.

use super::config;
use crate::{Report, check_together};

fn inbound(listen: &str, relay: &str) -> crate::Config {
    config(&format!("role: inbound\nlisten: {listen}\nrelay: {relay}\n"))
}

#[test]
fn mail_that_would_go_around_is_refused() {
    let problem = |files: &[(&str, &str)]| {
        let configs: Vec<_> = files.iter().map(|(listen, relay)| inbound(listen, relay)).collect();
        let reports = check_together(&configs);
        reports.iter().flat_map(Report::faults).map(|fault| fault.cause.to_string()).collect::<Vec<_>>()
    };
    let [a, b, c] = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"];
    let comes_back = |hop: &str| {
        format!("mail that goes to `{hop}` comes back here by way of etc/proxy.yaml: a mail loop")
    };
    assert_eq!(problem(&[(a, b), (b, a)]), [comes_back(b), comes_back(a)]);
    assert_eq!(problem(&[(a, b), (b, c), (c, a)]), [comes_back(b), comes_back(c), comes_back(a)]);
    // Also as the second choice, in another form, and over UNIX sockets.
    assert_eq!(problem(&[(a, "[10.0.0.1:25, 127.0.0.1:2]"), ("127.0.0.1:2", "localhost:1")]).len(), 2);
    assert_eq!(problem(&[("unix:/run/a", "unix:/run/b"), ("unix:/run/b", "unix:/run/a")]).len(), 2);
    // One behind the other is no circle, nor is whoever only leads into one.
    assert_eq!(problem(&[(a, b), (b, c)]), [""; 0]);
    assert_eq!(problem(&[(a, b), (b, c), (c, b)]), [comes_back(c), comes_back(b)]);
}

#[test]
fn what_systemd_hands_down_is_taken_once() {
    let together = |first: &str, second: &str| {
        let hop = "127.0.0.1:10026";
        check_together(&[inbound(first, hop), inbound(second, hop)]).len()
    };
    assert_eq!(together("systemd", "systemd"), 1);
    assert_eq!(together("systemd:in", "systemd:in"), 1);
    assert_eq!(together("systemd:in", "systemd:out"), 0);
    assert_eq!(together("unix:/run/a", "unix:/run/a"), 1);
}

#[test]
fn a_socket_for_everybody_is_doubtful() {
    let text = "role: inbound\nlisten: unix:/run/in.sock\nrelay: 127.0.0.1:1\nsocket:\n  mode: ";
    assert_eq!(config(&format!("{text}0660\n")).warnings, []);
    assert_eq!(config(&format!("{text}0666\n")).warnings.len(), 1);
}

#[test]
fn several_files_tell_their_metrics_at_one_address_but_not_where_mail_comes_in() {
    let telling = |listen: &str, metrics: &str| {
        config(&format!("role: inbound\nlisten: {listen}\nrelay: 127.0.0.1:10026\nmetrics: {metrics}\n"))
    };
    let [a, b, c] = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"];
    assert!(check_together(&[telling(a, c), telling(b, c)]).is_empty());
    let reports = check_together(&[telling(a, b), telling(b, c)]);
    let found: Vec<_> =
        reports.iter().flat_map(Report::faults).map(|fault| fault.cause.to_string()).collect();
    assert_eq!(found, ["`metrics` is `127.0.0.1:2`, where mail is listened for, by etc/proxy.yaml"]);
}
