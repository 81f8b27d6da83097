use super::*;
use crate::settings::{Address, Database, Layout, RedisSettings, Tls};
use crate::source::Row;
use policy::outbound::StoredKey;
use std::time::Duration;
use tokio::time::{advance, sleep};
use zeroize::Zeroizing;

const DEADLINE: Duration = Duration::from_secs(5);

/// A database in memory that can be slow, down, or out of order.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    selectors: HashMap<String, &'static str>,
    error: Option<SourceError>,
    takes: Duration,
    /// What the questions came to.
    outcomes: Vec<Result<(), SourceError>>,
    /// How many connections were made.
    connections: usize,
    /// Whether the connections so far have died unnoticed.
    dead: usize,
    asked: Vec<String>,
}

impl Fake {
    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap());
    }

    fn has(&self, domain: &str, selector: &'static str) {
        self.set(|state| _ = state.selectors.insert(domain.to_owned(), selector));
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }

    fn outcomes(&self) -> Vec<Result<(), SourceError>> {
        std::mem::take(&mut self.0.lock().unwrap().outcomes)
    }

    fn connections(&self) -> usize {
        self.0.lock().unwrap().connections
    }

    fn store(&self, capacity: usize) -> Store {
        // The database that it names is not asked.
        let database = Database::Redis(RedisSettings {
            address: Address::Tcp("localhost".into(), 1),
            tls: Tls::Off,
            user: None,
            password: None,
            database: 0,
            layout: Layout::Hash(Layout::KEY.into()),
        });
        let settings = Settings {
            name: "fake".into(),
            database,
            deadline: DEADLINE,
            refresh: Settings::REFRESH,
            unknown: Settings::UNKNOWN,
            capacity,
        };
        let fake = self.clone();
        let note = move |error: Option<&SourceError>| {
            fake.set(|state| state.outcomes.push(error.cloned().map_or(Ok(()), Err)));
        };
        Store::new(&settings, self.clone(), Arc::new(note))
    }
}

impl Source for Fake {
    type Connection = usize;

    async fn connect(&self) -> Result<usize, SourceError> {
        let (error, takes) = {
            let state = self.0.lock().unwrap();
            (state.error.clone(), state.takes)
        };
        sleep(takes).await;
        self.set(|state| state.connections += 1);
        error.map_or(Ok(self.connections()), Err)
    }

    fn is_closed(_: &usize) -> bool {
        false
    }

    async fn rows(&self, connection: &usize, domain: &Domain) -> Result<Vec<Row>, SourceError> {
        let takes = self.0.lock().unwrap().takes;
        sleep(takes).await;
        let mut state = self.0.lock().unwrap();
        if *connection <= state.dead {
            return Err(SourceError::Unreachable("connection reset".into()));
        }
        state.asked.push(domain.to_string());
        if let Some(error) = &state.error {
            return Err(error.clone());
        }
        let key = b"CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=".to_vec();
        let selector = state.selectors.get(domain.as_str());
        Ok(selector
            .map(|selector| Row { selector: (*selector).to_owned(), key: Zeroizing::new(key) })
            .into_iter()
            .collect())
    }
}

/// The selectors of a domain, with blanks between them.
async fn selectors(store: &Store, domain: &str) -> Result<String, String> {
    let keys = store.keys(&Domain::parse(domain).unwrap()).await.map_err(|fault| fault.to_string())?;
    Ok(keys.iter().map(|StoredKey { selector, .. }| selector.to_string()).collect::<Vec<_>>().join(" "))
}

#[allow(clippy::unnecessary_wraps, reason = "what is compared with it may be an error")]
fn known(selector: &str) -> Result<String, String> {
    Ok(selector.to_owned())
}

fn down() -> SourceError {
    SourceError::Unreachable("connection refused".into())
}

#[tokio::test(start_paused = true)]
async fn each_domain_is_asked_for_once() {
    let fake = Fake::default();
    fake.has("a.example", "s1");
    let store = fake.store(10);
    for _ in 0..3 {
        assert_eq!(selectors(&store, "a.example").await, known("s1"));
        assert_eq!(selectors(&store, "b.example").await, known(""));
    }
    assert_eq!(fake.asked(), ["a.example", "b.example"]);
    assert_eq!(fake.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn all_who_ask_for_a_domain_at_the_same_time_share_one_look_up() {
    let fake = Fake::default();
    fake.has("a.example", "s1");
    fake.set(|state| state.takes = Duration::from_secs(1));
    let store = fake.store(10);
    let (one, two, three) = tokio::join!(
        selectors(&store, "a.example"),
        selectors(&store, "a.example"),
        selectors(&store, "a.example")
    );
    assert_eq!((one, two, three), (known("s1"), known("s1"), known("s1")));
    assert_eq!(fake.asked(), ["a.example"]);
}

#[tokio::test(start_paused = true)]
async fn a_look_up_goes_on_when_the_one_who_asked_first_goes_away() {
    let fake = Fake::default();
    fake.has("a.example", "s1");
    fake.set(|state| state.takes = Duration::from_secs(1));
    let store = fake.store(10);
    let gone = tokio::time::timeout(Duration::from_millis(10), selectors(&store, "a.example")).await;
    assert!(gone.is_err());
    assert_eq!(selectors(&store, "a.example").await, known("s1"));
    assert_eq!(fake.asked(), ["a.example"]);
}

#[tokio::test(start_paused = true)]
async fn keys_are_looked_up_again_when_they_are_old() {
    let fake = Fake::default();
    fake.has("a.example", "s1");
    let store = fake.store(10);
    assert_eq!(selectors(&store, "a.example").await, known("s1"));
    fake.has("a.example", "s2");
    advance(Duration::from_millis(299_999)).await;
    assert_eq!(selectors(&store, "a.example").await, known("s1"));
    advance(Duration::from_millis(1)).await;
    assert_eq!(selectors(&store, "a.example").await, known("s2"));
    fake.set(|state| state.selectors.clear());
    advance(Settings::REFRESH).await;
    assert_eq!(selectors(&store, "a.example").await, known(""), "withdrawn");
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_is_not_known_is_asked_for_again_soon() {
    let fake = Fake::default();
    let store = fake.store(10);
    assert_eq!(selectors(&store, "a.example").await, known(""));
    fake.has("a.example", "s1");
    advance(Duration::from_millis(29_999)).await;
    assert_eq!(selectors(&store, "a.example").await, known(""));
    advance(Duration::from_millis(1)).await;
    assert_eq!(selectors(&store, "a.example").await, known("s1"));
}

#[tokio::test(start_paused = true)]
async fn while_the_database_is_down_what_is_known_goes_on_and_all_else_has_no_answer() {
    let fake = Fake::default();
    fake.has("a.example", "s1");
    let store = fake.store(10);
    assert_eq!(selectors(&store, "a.example").await, known("s1"));
    assert_eq!(selectors(&store, "b.example").await, known(""));
    fake.set(|state| (state.error, state.dead) = (Some(down()), 1));
    advance(Settings::REFRESH * 1000).await;
    for _ in 0..3 {
        assert_eq!(selectors(&store, "a.example").await, known("s1"));
        // Not known before; by now it may be.
        assert_eq!(selectors(&store, "b.example").await, Err("out of reach: connection refused".to_owned()));
    }
    assert_eq!(fake.connections(), 2, "nobody asks again at once");
    fake.set(|state| state.error = None);
    fake.has("a.example", "s2");
    fake.has("b.example", "s3");
    advance(Duration::from_secs(1)).await;
    assert_eq!(selectors(&store, "b.example").await, known("s3"));
    assert_eq!(selectors(&store, "a.example").await, known("s2"));
    // What fails at once is no question.
    assert_eq!(fake.outcomes(), [Ok(()), Ok(()), Err(down()), Ok(()), Ok(())]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_died_unnoticed_is_made_anew() {
    let fake = Fake::default();
    fake.has("a.example", "s1");
    let store = fake.store(10);
    assert_eq!(selectors(&store, "b.example").await, known(""));
    fake.set(|state| state.dead = 1);
    assert_eq!(selectors(&store, "a.example").await, known("s1"));
    assert_eq!(fake.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_too_slow_has_no_answer() {
    let fake = Fake::default();
    fake.has("a.example", "s1");
    fake.set(|state| state.takes = Duration::from_secs(60));
    let store = fake.store(10);
    let begun = tokio::time::Instant::now();
    assert_eq!(selectors(&store, "a.example").await, Err("no answer within 5s".to_owned()));
    assert_eq!(begun.elapsed(), DEADLINE);
    assert_eq!(selectors(&store, "b.example").await, Err("no answer within 5s".to_owned()));
    assert_eq!(begun.elapsed(), DEADLINE, "others do not wait for the same");
    assert_eq!(fake.outcomes(), [Err(SourceError::TooSlow(DEADLINE))]);
    fake.set(|state| state.takes = Duration::ZERO);
    advance(Duration::from_secs(1)).await;
    assert_eq!(selectors(&store, "a.example").await, known("s1"));
}

#[tokio::test(start_paused = true)]
async fn a_database_that_says_no_is_asked_again_by_the_next_message() {
    let fake = Fake::default();
    fake.has("a.example", "s1");
    fake.set(|state| state.error = Some(SourceError::Refused("no table dkim_keys".into())));
    let store = fake.store(10);
    let refused = SourceError::Refused("no table dkim_keys".into());
    assert_eq!(store.probe().await, Err(refused.clone()));
    assert_eq!(selectors(&store, "a.example").await, Err(refused.to_string()));
    fake.set(|state| state.error = None);
    assert_eq!(store.probe().await, Ok(()));
    assert_eq!(selectors(&store, "a.example").await, known("s1"));
}

#[tokio::test(start_paused = true)]
async fn keys_that_cannot_be_used_are_not_remembered() {
    let fake = Fake::default();
    fake.has("a.example", "not a selector");
    let store = fake.store(10);
    assert_eq!(selectors(&store, "a.example").await, Err("a selector that is none".to_owned()));
    fake.has("a.example", "s1");
    assert_eq!(selectors(&store, "a.example").await, known("s1"));
}

#[tokio::test(start_paused = true)]
async fn domains_that_nobody_knows_do_not_crowd_the_others_out() {
    let fake = Fake::default();
    fake.has("a.example", "s1");
    let store = fake.store(2);
    assert_eq!(selectors(&store, "a.example").await, known("s1"));
    for number in 0..10 {
        assert_eq!(selectors(&store, &format!("b{number}.example")).await, known(""));
    }
    fake.asked();
    assert_eq!(selectors(&store, "a.example").await, known("s1"));
    assert_eq!(fake.asked(), [""; 0]);
    assert_eq!(selectors(&store, "b0.example").await, known(""));
    assert_eq!(fake.asked(), ["b0.example"]);
}
