//! `Authentication-Results` of others.

use auth::results::{AuthenticationResults, AuthservId};
use mail::Header;

/// What is read can be written, and then says the same; a field that says to be ours is known in any dress.
pub fn authentication_results(input: &[u8]) {
    let Ok(results) = AuthenticationResults::parse(input) else { return };
    let written = results.write();
    let header = Header::parse(written.raw().to_vec());
    let field = header.field(0).expect("one field was written");
    let again = AuthenticationResults::parse(field.value());
    assert!(again.is_ok(), "{again:?} of {}", written.raw().escape_ascii());
    assert_eq!(again.expect("it was read").write(), written);
    let ours = AuthservId::new(&results.authserv_id);
    assert!(ours.is_claimed_by(field), "{}", written.raw().escape_ascii());
}
