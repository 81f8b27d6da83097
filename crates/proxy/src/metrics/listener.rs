//! What happens at a listener.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use relay::{Answer, Observed, Observer, TurnedAway};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// From a hundredth of what an RSA signature takes to the time that a client waits at most.
const DECISION_SECONDS: [f64; 10] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0];
const MESSAGE_SECONDS: [f64; 11] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0, 600.0];

type Seconds = Family<Place, Histogram, fn() -> Histogram>;

/// What is counted of all listeners.
#[derive(Clone, Debug)]
pub(super) struct ListenerFamilies {
    messages: Family<Fate, Counter>,
    answers: Family<Answered, Counter>,
    results: Family<Found, Counter>,
    octets: Family<Place, Counter>,
    message_seconds: Seconds,
    decision_seconds: Seconds,
    sessions: Family<Place, Counter>,
    open_sessions: Family<Place, Gauge>,
    turned_away: Family<Refused, Counter>,
    faults: Family<Failed, Counter>,
    next_hop_up: Family<Place, Gauge>,
}

/// A listener.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Place {
    listener: Arc<str>,
    role: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Fate {
    listener: Arc<str>,
    role: &'static str,
    action: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Answered {
    listener: Arc<str>,
    role: &'static str,
    reply: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Found {
    listener: Arc<str>,
    role: &'static str,
    method: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Refused {
    listener: Arc<str>,
    role: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Failed {
    listener: Arc<str>,
    role: &'static str,
    fault: &'static str,
}

impl ListenerFamilies {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let families = Self {
            messages: Family::default(),
            answers: Family::default(),
            results: Family::default(),
            octets: Family::default(),
            message_seconds: Family::new_with_constructor(|| Histogram::new(MESSAGE_SECONDS)),
            decision_seconds: Family::new_with_constructor(|| Histogram::new(DECISION_SECONDS)),
            sessions: Family::default(),
            open_sessions: Family::default(),
            turned_away: Family::default(),
            faults: Family::default(),
            next_hop_up: Family::default(),
        };
        families.register_messages(registry);
        families.register_connections(registry);
        families
    }

    fn register_messages(&self, registry: &mut Registry) {
        registry.register(
            "messages",
            "What became of messages, and for which sort of reason",
            self.messages.clone(),
        );
        registry.register("replies", "What clients heard at the end of messages", self.answers.clone());
        registry.register(
            "results",
            "What was found of signatures, in the words of RFC 8601",
            self.results.clone(),
        );
        registry.register("message_octets", "Octets of content that came in", self.octets.clone());
        registry.register(
            "message_seconds",
            "From the beginning of a message's content to the reply",
            self.message_seconds.clone(),
        );
        registry.register(
            "decision_seconds",
            "What signing a message took, or judging its signatures, once everything was there",
            self.decision_seconds.clone(),
        );
    }

    fn register_connections(&self, registry: &mut Registry) {
        registry.register("sessions", "Clients that were taken in", self.sessions.clone());
        registry.register("sessions_open", "Clients that are connected", self.open_sessions.clone());
        registry.register(
            "clients_refused",
            "Clients that were turned away, and why",
            self.turned_away.clone(),
        );
        registry.register("next_hop_faults", "What the next hop did not do", self.faults.clone());
        registry.register(
            "next_hop_up",
            "Whether the next hop answered when it was last tried",
            self.next_hop_up.clone(),
        );
    }

    /// What is counted of one listener. All of it is there from now on, at 0.
    pub(super) fn of(&self, name: &str, role: &'static str) -> Tally {
        let place = Place { listener: name.into(), role };
        let tally = Tally {
            octets: self.octets.get_or_create_owned(&place),
            message_seconds: self.message_seconds.get_or_create_owned(&place),
            decision_seconds: self.decision_seconds.get_or_create_owned(&place),
            sessions: self.sessions.get_or_create_owned(&place),
            open_sessions: self.open_sessions.get_or_create_owned(&place),
            next_hop_up: self.next_hop_up.get_or_create_owned(&place),
            reaches_next_hop: AtomicBool::new(true),
            families: self.clone(),
            place,
        };
        tally.begin();
        tally
    }
}

/// What is counted of one listener.
#[derive(Debug)]
pub struct Tally {
    place: Place,
    families: ListenerFamilies,
    octets: Counter,
    message_seconds: Histogram,
    decision_seconds: Histogram,
    sessions: Counter,
    open_sessions: Gauge,
    next_hop_up: Gauge,
    reaches_next_hop: AtomicBool,
}

impl Tally {
    /// The listener's address.
    pub fn name(&self) -> &str {
        &self.place.listener
    }

    /// Whether the next hop answered when it was last tried; until then it is thought to.
    pub fn reaches_next_hop(&self) -> bool {
        self.reaches_next_hop.load(Ordering::Relaxed)
    }

    fn begin(&self) {
        let outcomes: &[(&str, &str)] = match self.place.role {
            "outbound" => &policy::outbound::OUTCOMES,
            _ => &policy::inbound::OUTCOMES,
        };
        for &(action, reason) in relay::OUTCOMES.iter().chain(outcomes) {
            let _ = self.messages(action, reason);
        }
        if self.place.role == "inbound" {
            for result in dkim::ResultWord::ALL {
                let _ = self.results(dkim::Kind::Dkim.name(), result.as_str());
            }
        }
        for answer in Answer::ALL {
            let _ = self.answers(answer);
        }
        for why in TurnedAway::ALL {
            let _ = self.turned_away(why);
        }
        for fault in relay::FAULTS {
            let _ = self.faults(fault);
        }
        self.next_hop_up.set(1);
    }

    fn messages(&self, action: &'static str, reason: &'static str) -> Counter {
        let Place { listener, role } = self.place.clone();
        self.families.messages.get_or_create_owned(&Fate { listener, role, action, reason })
    }

    fn answers(&self, answer: Answer) -> Counter {
        let Place { listener, role } = self.place.clone();
        self.families.answers.get_or_create_owned(&Answered { listener, role, reply: answer.word() })
    }

    fn results(&self, method: &'static str, result: &'static str) -> Counter {
        let Place { listener, role } = self.place.clone();
        self.families.results.get_or_create_owned(&Found { listener, role, method, result })
    }

    fn turned_away(&self, why: TurnedAway) -> Counter {
        let Place { listener, role } = self.place.clone();
        self.families.turned_away.get_or_create_owned(&Refused { listener, role, reason: why.word() })
    }

    fn faults(&self, fault: &'static str) -> Counter {
        let Place { listener, role } = self.place.clone();
        self.families.faults.get_or_create_owned(&Failed { listener, role, fault })
    }
}

impl Observer for Tally {
    fn session_began(&self) {
        self.sessions.inc();
        self.open_sessions.inc();
    }

    fn session_ended(&self) {
        self.open_sessions.dec();
    }

    fn client_refused(&self, why: TurnedAway) {
        self.turned_away(why).inc();
    }

    fn message(&self, message: &Observed<'_>) {
        let account = message.account;
        self.messages(account.action, account.reason).inc();
        self.answers(message.answer).inc();
        for &(method, result) in &account.results {
            self.results(method, result).inc();
        }
        self.octets.inc_by(message.size);
        self.message_seconds.observe(message.took.as_secs_f64());
        if let Some(decided_in) = message.decided_in {
            self.decision_seconds.observe(decided_in.as_secs_f64());
        }
    }

    fn next_hop_tried(&self, answers: bool) {
        self.reaches_next_hop.store(answers, Ordering::Relaxed);
        self.next_hop_up.set(answers.into());
    }

    fn next_hop_failed(&self, fault: &'static str) {
        self.faults(fault).inc();
    }
}
