//! Other settings while sessions go on.

#![allow(clippy::unwrap_used)] // A test may panic.

mod common;

use common::{Act, At, FIELD, NextHop, Script, Serving};
use relay::{Protocol, Settings};
use smtp::content::{Repair, Repairs};

const MESSAGE: &str = "From: a@a.example\r\nSubject: x\r\n\r\nHello\r\n";

fn to(next_hop: &NextHop) -> Settings {
    Settings { relay: vec![next_hop.target()], ..Settings::default() }
}

#[tokio::test]
async fn a_reload_counts_from_the_next_transaction() {
    let (before, after) = (Script::default().start().await, Script::default().start().await);
    let proxy = Serving::start(&before, |_| ());
    let mut client = proxy.ready().await;
    client.envelope().await;
    proxy.relay.reload(to(&after), proxy.filter.clone());
    assert_eq!(client.content(MESSAGE).await, "250 2.6.0 taken\r\n");
    client.envelope().await;
    assert_eq!(client.content(MESSAGE).await, "250 2.6.0 taken\r\n");
    assert_eq!((before.heard().taken.len(), after.heard().taken.len()), (1, 1));
}

#[tokio::test]
async fn what_is_judged_by_new_settings_was_read_by_them() {
    let next_hop = Script::default().start().await;
    let refusing = Repairs { bare_cr: Repair::Refuse, bare_lf: Repair::Refuse, nul: Repair::Refuse };
    let proxy = Serving::start(&next_hop, |settings| settings.repairs = refusing);
    let mut client = proxy.ready().await;
    let smuggling = "A: b\r\n\r\nx\n.\r\nMAIL FROM:<evil@a.b>\ry\0z\r\n";
    client.envelope().await;
    assert!(client.content(smuggling).await.starts_with("550 5.6.0"));
    proxy.relay.reload(to(&next_hop), proxy.filter.clone());
    client.envelope().await;
    assert_eq!(client.content(smuggling).await, "250 2.6.0 taken\r\n");
    let mended = format!("{FIELD}A: b\r\n\r\nx\r\n.\r\nMAIL FROM:<evil@a.b>\r\nyz\r\n");
    assert_eq!(next_hop.heard().taken, [mended]);
}

#[tokio::test]
async fn a_session_ends_in_the_protocol_that_it_began_with() {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut client = proxy.ready().await;
    proxy.relay.reload(Settings { protocol: Protocol::Lmtp, ..to(&next_hop) }, proxy.filter.clone());
    client.says("MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>").await;
    for _ in 0..3 {
        client.hears("250").await;
    }
    assert_eq!(client.content(MESSAGE).await, "250 2.6.0 taken\r\n");
    client.says("VRFY a").await.hears("252").await;
    let mut other = proxy.connect().await;
    other.hears("220").await.says("EHLO c").await.hears("500").await.says("LHLO c").await.hears("250").await;
}

#[tokio::test]
async fn a_connection_that_comes_back_after_a_reload_is_closed() {
    let next_hop = Script::default().start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut client = proxy.ready().await;
    client.envelope().await;
    proxy.relay.reload(to(&next_hop), proxy.filter.clone());
    assert_eq!(client.content(MESSAGE).await, "250 2.6.0 taken\r\n");
    next_hop.until(|heard| heard.closed == 1 && heard.commands[&1].last().unwrap() == "QUIT").await;
    client.says("NOOP").await.hears("250").await;
}

#[tokio::test]
async fn what_the_next_hop_offers_is_not_forgotten() {
    let script = Script::default().offers(&["PIPELINING", "DSN"]).on(2, At::Connect, Act::Silence);
    let next_hop = script.start().await;
    let proxy = Serving::start(&next_hop, |_| ());
    let mut client = proxy.ready().await;
    proxy.relay.reload(to(&next_hop), proxy.filter.clone());
    client.says("EHLO c").await;
    let offer = client.reply().await;
    assert!(offer.contains("DSN") && !offer.contains("SMTPUTF8"), "{offer}");
    assert_eq!(next_hop.heard().connections, 1);
}
