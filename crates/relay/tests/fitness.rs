//! Content that servers on the way would change: found, told, refused, or set right.

mod common;

use common::{Client, FIELD, NextHop, Script, Serving};
use filter::Measure;
use relay::Fitness;

const OLD: [&str; 1] = ["PIPELINING"];

fn long() -> String {
    format!("From: a@a.example\r\nMIME-Version: 1.0\r\n\r\n{}\r\nend\r\n", "x".repeat(999))
}

fn eight_bit() -> String {
    "From: a@a.example\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nKöln\r\n"
        .to_owned()
}

fn start(next_hop: &NextHop, fitness: Fitness) -> Serving {
    Serving::start(next_hop, |settings| settings.fitness = fitness)
}

/// What the client heard, and what the next hop took.
async fn sent(next_hop: &NextHop, fitness: Fitness, message: &str) -> (String, Vec<String>) {
    let proxy = start(next_hop, fitness);
    let mut client: Client = proxy.ready().await;
    client.envelope().await;
    let reply = client.content(message).await;
    proxy.stop().await;
    (reply, next_hop.heard().taken)
}

fn each(measure: Measure) -> Fitness {
    Fitness { long_lines: measure, eight_bit: measure, ..Fitness::default() }
}

#[tokio::test]
async fn each_measure_does_what_it_says() {
    for (message, refusal, fixed) in [
        (long(), "550 5.6.0 ", format!("\r\n{}=\r\n{}", "x".repeat(75), "x".repeat(75))),
        (
            eight_bit(),
            "550 5.6.3 ",
            "Content-Transfer-Encoding: quoted-printable\r\n\r\nK=C3=B6ln\r\n".to_owned(),
        ),
    ] {
        for measure in Measure::ALL {
            let next_hop = Script::default().offers(&OLD).start().await;
            let (reply, taken) = sent(&next_hop, each(measure), &message).await;
            match measure {
                Measure::Off | Measure::Warn => assert_eq!(taken, [format!("{FIELD}{message}")]),
                Measure::Refuse => {
                    assert!(reply.starts_with(refusal), "{reply}");
                    assert!(taken.is_empty());
                }
                Measure::Fix => {
                    assert_eq!(taken.len(), 1);
                    assert!(taken[0].starts_with(&format!("{FIELD}From: a@a.example\r\n")), "{}", taken[0]);
                    assert!(taken[0].contains(&fixed), "{}", taken[0]);
                    assert!(taken[0].is_ascii() && taken[0].lines().all(|line| line.len() <= 998));
                }
            }
        }
    }
}

#[tokio::test]
async fn each_kind_has_its_own_measure() {
    let both = eight_bit() + &"x".repeat(2000) + "\r\n";
    for (long_lines, eight_bit, expected) in [
        (Measure::Refuse, Measure::Fix, "550 5.6.0"),
        (Measure::Fix, Measure::Refuse, "550 5.6.3"),
        (Measure::Fix, Measure::Off, "250"),
        (Measure::Off, Measure::Fix, "250"),
    ] {
        let next_hop = Script::default().offers(&OLD).start().await;
        let fitness = Fitness { long_lines, eight_bit, ..Fitness::default() };
        let (reply, taken) = sent(&next_hop, fitness, &both).await;
        assert!(reply.starts_with(expected), "{reply}");
        // In one part both go at once.
        assert!(taken.iter().all(|message| message.is_ascii()), "{taken:?}");
    }
}

#[tokio::test]
async fn eight_bit_content_stays_where_it_passes() {
    for (ours, theirs, passes) in [(true, true, true), (true, false, false), (false, true, false)] {
        let offers: &[&str] = if theirs { &["8BITMIME"] } else { &[] };
        let next_hop = Script::default().offers(offers).start().await;
        let proxy = Serving::start(&next_hop, |settings| {
            settings.offer_8bitmime = ours;
            settings.fitness = each(Measure::Fix);
        });
        let mut client = proxy.ready().await;
        client.envelope().await;
        client.content(&eight_bit()).await;
        assert_eq!(next_hop.heard().taken[0] == format!("{FIELD}{}", eight_bit()), passes, "{ours} {theirs}");
    }
}

#[tokio::test]
async fn what_needs_smtputf8_goes_by_servers_that_take_eight_bits() {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |settings| {
        settings.offer_8bitmime = false;
        settings.fitness = each(Measure::Refuse);
    });
    let mut client = proxy.ready().await;
    client.says("MAIL FROM:<ü@a.example> SMTPUTF8").await.hears("250").await;
    client.says("RCPT TO:<b@b.example>").await.hears("250").await;
    assert!(client.content(&eight_bit()).await.starts_with("250"));
}

#[tokio::test]
async fn a_body_in_a_file_is_set_right_and_one_too_large_goes_on_as_it_is() {
    let body = "Köln, line after line\r\n".repeat(20_000);
    let message = eight_bit() + &body;
    for (largest, fixed) in [(message.len() as u64, true), (100_000, false)] {
        let next_hop = Script::default().offers(&OLD).start().await;
        let proxy = Serving::start(&next_hop, |settings| {
            settings.limits.memory = 10_000;
            settings.fitness = Fitness { largest, ..each(Measure::Fix) };
        });
        let mut client = proxy.ready().await;
        client.envelope().await;
        assert!(client.content(&message).await.starts_with("250"));
        let taken = next_hop.heard().taken.swap_remove(0);
        assert_eq!(taken == format!("{FIELD}{message}"), !fixed);
        assert_eq!(taken.is_ascii(), fixed);
        assert_eq!(taken.matches("K=C3=B6ln, line after line\r\n").count(), if fixed { 20_000 } else { 0 });
        // Each time it was shown to the filter.
        assert_eq!(proxy.filter.seen.lock().unwrap().len(), if fixed { 2 } else { 1 });
    }
}

#[tokio::test]
async fn what_cannot_be_set_right_goes_on_as_it_is() {
    let message = "From: a@a.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n\
                   --b\r\n\r\nKöln\r\n--b--\r\n";
    let next_hop = Script::default().offers(&OLD).start().await;
    let (reply, taken) = sent(&next_hop, each(Measure::Fix), message).await;
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(taken, [format!("{FIELD}{message}")]);
}

#[tokio::test]
async fn long_header_fields_are_folded_and_dots_stay_what_they_are() {
    let message = format!("From: a@a.example\r\nSubject: {}end\r\n\r\n..\r\n", "word ".repeat(300));
    let next_hop = Script::default().start().await;
    let (_, taken) = sent(&next_hop, each(Measure::Fix), &message).await;
    let whole = taken[0].replace("\r\n ", " ");
    assert_eq!(whole, format!("{FIELD}{}", message.replace("\r\n..\r\n", "\r\n.\r\n")));
    assert!(taken[0].lines().all(|line| line.len() <= 998));
}

#[tokio::test]
async fn what_the_filter_refuses_or_drops_stays_refused_or_dropped() {
    for (subject, reply) in [("refuse", "550 5.7.20"), ("discard", "250")] {
        let message = format!("Subject: {subject}\r\n\r\nKöln\r\n");
        let next_hop = Script::default().offers(&OLD).start().await;
        let (heard, taken) = sent(&next_hop, each(Measure::Fix), &message).await;
        assert!(heard.starts_with(reply) && taken.is_empty(), "{heard}");
    }
}
