//! What the relay goes by. What a file does not say has the relay's own default.

use config::{Config, Conformity, Engine, NextHop};
use relay::{Deadlines, Fitness, Kept, Limits, Protocol, Settings, Target};

/// The settings for the listeners of a file; each gets its own name later.
pub fn settings(config: &Config) -> Settings {
    let default = Settings::default();
    let listener = &config.listener;
    Settings {
        hostname: listener.hostname.to_string(),
        relay: listener.relay.iter().map(|hop| target(&hop.value)).collect(),
        protocol: match listener.protocol {
            config::Protocol::Smtp => Protocol::Smtp,
            config::Protocol::Lmtp => Protocol::Lmtp,
        },
        proxy_protocol: listener.proxy_protocol,
        offer_xclient: listener.xclient,
        clients: listener.clients.iter().copied().collect(),
        offer_8bitmime: listener.eightbitmime,
        repairs: listener.repairs,
        fitness: match &config.engine {
            Engine::Outbound(outbound) => fitness(outbound.conformity),
            Engine::Inbound(_) => default.fitness,
        },
        deadlines: deadlines(listener.deadlines, default.deadlines),
        limits: limits(listener.limits, default.limits),
        kept: kept(listener.kept, default.kept),
        spool: listener.spool.as_ref().map_or(default.spool, |spool| spool.value.as_path().into()),
        drain: listener.drain.unwrap_or(default.drain),
        ..Settings::default()
    }
}

/// What an outbound file says about content that servers on the way would change.
fn fitness(said: Conformity) -> Fitness {
    let largest = said.fix_up_to.unwrap_or(Fitness::default().largest);
    Fitness { long_lines: said.long_lines, eight_bit: said.eight_bit, largest }
}

fn target(hop: &NextHop) -> Target {
    match hop {
        NextHop::Address(address) => Target::Tcp(address.ip().to_string(), address.port()),
        NextHop::Host(host, port) => Target::Tcp(host.to_string(), *port),
        NextHop::Unix(path) => Target::Unix(path.clone()),
    }
}

fn deadlines(said: config::Deadlines, default: Deadlines) -> Deadlines {
    Deadlines {
        connect: said.connect.unwrap_or(default.connect),
        greeting: said.greeting.unwrap_or(default.greeting),
        command: said.command.unwrap_or(default.command),
        data: said.data.unwrap_or(default.data),
        content: said.content.unwrap_or(default.content),
        r#final: said.r#final.unwrap_or(default.r#final),
        client: said.client.unwrap_or(default.client),
        message: said.message.unwrap_or(default.message),
    }
}

fn limits(said: config::Limits, default: Limits) -> Limits {
    Limits {
        sessions: said.sessions.unwrap_or(default.sessions),
        sessions_per_address: said.sessions_per_address.unwrap_or(default.sessions_per_address),
        errors: said.errors.unwrap_or(default.errors),
        commands: said.commands.unwrap_or(default.commands),
        recipients: said.recipients.unwrap_or(default.recipients),
        line: said.line.map_or(default.line, octets),
        header: said.header.map_or(default.header, octets),
        fields: said.fields.unwrap_or(default.fields),
        hops: said.hops.unwrap_or(default.hops),
        message: said.message.unwrap_or(default.message),
        memory: said.memory.map_or(default.memory, octets),
    }
}

fn kept(said: config::Kept, default: Kept) -> Kept {
    Kept {
        number: said.number.unwrap_or(default.number),
        idle: said.idle.unwrap_or(default.idle),
        age: said.age.unwrap_or(default.age),
        uses: said.uses.unwrap_or(default.uses),
    }
}

/// What is more than fits in memory is no limit on what is kept there.
fn octets(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::Source;

    /// Takes the `#` off each line that is an option with its default: one with no blank after the `#`.
    fn uncommented(line: &str) -> String {
        let (indentation, rest) = line.split_at(line.len() - line.trim_start().len());
        let option = rest.strip_prefix('#').filter(|option| option.starts_with(|c: char| !c.is_whitespace()));
        format!("{indentation}{}\n", option.unwrap_or(rest))
    }

    #[test]
    fn what_the_shipped_files_call_the_default_is_the_relays() {
        for text in [include_str!("../../../../proxy-in.yaml"), include_str!("../../../../proxy-out.yaml")] {
            let text: String = text.lines().map(uncommented).collect();
            let config = config::read(Source { name: "proxy.yaml".into(), text }, "mx.example.org").unwrap();
            let (said, default) = (settings(&config), Settings::default());
            assert_eq!(said.limits, default.limits);
            assert_eq!(said.deadlines, default.deadlines);
            assert_eq!(said.kept, default.kept);
            assert_eq!(said.drain, default.drain);
            assert_eq!(said.repairs, default.repairs);
            assert_eq!(said.clients, default.clients);
            assert_eq!(said.protocol, default.protocol);
            assert_eq!(
                (said.proxy_protocol, said.offer_xclient),
                (default.proxy_protocol, default.offer_xclient)
            );
        }
    }
}
