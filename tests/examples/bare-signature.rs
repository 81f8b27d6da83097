//! The CPU time of one RSA signature and nothing else: `bare-signature KEY.pem` prints it in microseconds.
//!
//! `tests/bench` holds the cost of a signed message against it. The library is the one that signs in dkimgate.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;

const SIGNATURES: u32 = 4_000;

fn main() {
    let file = std::env::args_os().nth(1).expect("usage: bare-signature KEY.pem");
    let pem = std::fs::read(&file).expect("the key can be read");
    let der = PrivatePkcs8KeyDer::from_pem_slice(&pem).expect("a PKCS#8 key in PEM");
    let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("an RSA key");
    let mut signature = vec![0; key.public_modulus_len()];
    let random = SystemRandom::new();
    let before = cpu();
    for number in 0..SIGNATURES {
        let text = number.to_be_bytes();
        key.sign(&RSA_PKCS1_SHA256, &random, &text, &mut signature).expect("the buffer fits the key");
    }
    println!("{}", (cpu() - before) / u64::from(SIGNATURES));
}

/// User and system time of this process so far, in microseconds. (Linux counts in hundredths of a second here.)
fn cpu() -> u64 {
    let line = std::fs::read_to_string("/proc/self/stat").expect("Linux has /proc");
    let after_name = line.rsplit(") ").next().expect("the name ends with a parenthesis");
    let times =
        after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number of ticks"));
    times.sum::<u64>() * 10_000
}
