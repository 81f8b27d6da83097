use super::config;
use crate::{Conformity, Database, Engine, RedisLayout, Rule};
use filter::Network;
use policy::outbound::{Action, Style};

const INBOUND: &str = include_str!("../../../../proxy-in.yaml");
const OUTBOUND: &str = include_str!("../../../../proxy-out.yaml");

/// Takes the `#` off each line that is an option with its default: one with no blank after the `#`.
fn uncommented(text: &str) -> String {
    let uncomment = |line: &str| {
        let (indentation, rest) = line.split_at(line.len() - line.trim_start().len());
        let option = rest.strip_prefix('#').filter(|option| option.starts_with(|c: char| !c.is_whitespace()));
        format!("{indentation}{}\n", option.unwrap_or(rest))
    };
    text.lines().map(uncomment).collect()
}

#[test]
fn the_shipped_files_are_well() {
    let (inbound, outbound) = (config(INBOUND), config(OUTBOUND));
    assert_eq!(inbound.warnings, []);
    assert_eq!(outbound.warnings, []);
    assert_eq!(inbound.listener.listen[0].value.to_string(), "127.0.0.1:10025");
    assert_eq!(inbound.listener.relay[0].value.to_string(), "127.0.0.1:10026");
    assert_eq!(outbound.listener.listen[0].value.to_string(), "127.0.0.1:10027");
    assert_eq!(outbound.listener.relay[0].value.to_string(), "127.0.0.1:10028");
}

#[test]
fn the_shipped_files_run_side_by_side() {
    assert!(crate::check_together(&[config(INBOUND), config(OUTBOUND)]).is_empty());
}

#[test]
fn every_option_of_the_shipped_files_is_known_and_none_is_doubtful() {
    for text in [INBOUND, OUTBOUND] {
        let all = uncommented(text);
        assert_ne!(all, text);
        assert_eq!(config(&all).warnings, []);
    }
}

#[test]
fn every_limit_and_deadline_stands_in_the_shipped_files() {
    for text in [INBOUND, OUTBOUND] {
        let listener = config(&uncommented(text)).listener;
        for said in [
            format!("{:?}", listener.limits),
            format!("{:?}", listener.deadlines),
            format!("{:?}", listener.kept),
        ] {
            assert!(!said.contains("None"), "{said}");
        }
        assert!(listener.drain.is_some());
    }
}

#[test]
fn what_the_comments_call_the_default_is_it() {
    for text in [INBOUND, OUTBOUND] {
        let (said, unsaid) = (config(&uncommented(text)), config(text));
        assert_eq!(said.listener.clients, unsaid.listener.clients);
        assert_eq!(said.listener.clients, Network::LOOPBACK);
        assert_eq!((&said.listener.metrics, &unsaid.listener.metrics), (&None, &None));
        assert_eq!(said.listener.repairs, unsaid.listener.repairs);
        assert_eq!(said.listener.socket, unsaid.listener.socket);
        assert_eq!(said.listener.protocol, unsaid.listener.protocol);
        let wire = |listener: &crate::Listener| (listener.proxy_protocol, listener.xclient);
        assert_eq!(wire(&said.listener), wire(&unsaid.listener));
        assert_eq!(said.listener.eightbitmime, unsaid.listener.eightbitmime);
        match (said.engine, unsaid.engine) {
            (Engine::Outbound(said), Engine::Outbound(unsaid)) => {
                assert_eq!((said.matching, said.on_fault), (unsaid.matching, unsaid.on_fault));
                assert_eq!(said.check_keys, unsaid.check_keys);
                assert_eq!(said.sign_only_if_published, unsaid.sign_only_if_published);
                assert_eq!(said.dns.source, unsaid.dns.source);
                let system = dns::SystemSettings::default();
                let asks = (said.dns.timeout, said.dns.attempts);
                assert_eq!(asks, (Some(system.timeout), Some(system.attempts)));
                assert_eq!(said.dns.time, Some(dns::Budget::default().time));
                assert_eq!(Conformity { fix_up_to: None, ..said.conformity }, unsaid.conformity);
                // Where `relay::Fitness` has it.
                assert_eq!(said.conformity.fix_up_to, Some(16 << 20));
                let (said, unsaid) = (said.rules().next().unwrap(), unsaid.rules().next().unwrap());
                assert_eq!(said.rule.conditions, unsaid.rule.conditions);
                assert_eq!(said.rule.agreement, unsaid.rule.agreement);
                assert_eq!(said.rule.sign_again, unsaid.rule.sign_again);
                assert_eq!(said.rule.single_for, unsaid.rule.single_for);
                let style = |rule: &Rule| match &rule.rule.action {
                    Action::Sign(templates) => Style::clone(&templates[0].style),
                    _ => unreachable!("it signs"),
                };
                assert_eq!(style(said), style(unsaid));
                assert_eq!(said.keys.len(), unsaid.keys.len());
            }
            (Engine::Inbound(said), Engine::Inbound(unsaid)) => {
                assert_eq!(said.reject_fail, unsaid.reject_fail);
                assert_eq!(said.reject_error, unsaid.reject_error);
                assert_eq!(said.dns.source, unsaid.dns.source);
                assert_eq!(said.max_signatures, Some(dkim::VerifyOptions::default().max_signatures));
                let system = dns::SystemSettings::default();
                assert_eq!(
                    (said.dns.timeout, said.dns.attempts),
                    (Some(system.timeout), Some(system.attempts))
                );
                assert_eq!(said.cache.map(|cache| cache as u64), Some(system.cache_entries));
                let budget = dns::Budget::default();
                assert_eq!((said.queries, said.dns.time), (Some(budget.queries), Some(budget.time)));
            }
            _ => unreachable!("the role is the same"),
        }
    }
}

/// The rules and tables that the outbound file shows, as if they stood in `sign`.
fn examples() -> String {
    let lines = OUTBOUND.lines().skip_while(|line| !line.starts_with("# More of what a rule may say"));
    let lines = lines.take_while(|line| line.starts_with('#'));
    let example = lines.filter_map(|line| line.strip_prefix("# ").filter(|rest| rest.starts_with("  ")));
    example.map(|line| line.to_owned() + "\n").collect()
}

#[test]
fn the_rules_that_the_outbound_file_shows_are_well() {
    let text =
        "role: outbound\nlisten: 127.0.0.1:10027\nrelay: 127.0.0.1:10028\nsign:\n".to_owned() + &examples();
    let config = config(&text);
    assert_eq!(config.warnings, []);
    let Engine::Outbound(outbound) = config.engine else { panic!("outbound") };
    assert_eq!((outbound.rules().count(), outbound.tables().count()), (9, 4));
    let stores: Vec<_> = outbound.stores().collect();
    assert_eq!(stores.len(), 3);
    let said = (stores[0].deadline, stores[0].refresh, stores[0].unknown);
    let defaults = (stores::Settings::DEADLINE, stores::Settings::REFRESH, stores::Settings::UNKNOWN);
    assert_eq!(said, (Some(defaults.0), Some(defaults.1), Some(defaults.2)));
    let Database::Postgres { query, .. } = &stores[0].database else { panic!("the first") };
    assert_eq!(query.as_deref(), Some(stores::PostgresSettings::QUERY));
    let Database::Redis { layout, .. } = &stores[1].database else { panic!("the second") };
    assert_eq!(layout, &Some(RedisLayout::Key(stores::Layout::KEY.to_owned())));
}
