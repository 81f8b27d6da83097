use super::*;
use crate::algorithm::{Algorithm, HashAlgorithm, KeyKind};
use ed25519_dalek::pkcs8::EncodePrivateKey;

const RSA_1024: &[u8] = include_bytes!("../../tests/data/rfc8463-A.2.rsa.private.pem");

fn rsa_1024() -> SigningKey {
    SigningKey::from_pem(RSA_1024).unwrap()
}

#[test]
fn a_new_key_goes_through_pem_and_record() {
    let keys = [(KeyKind::Ed25519, 256), (KeyKind::Rsa, 1024), (KeyKind::Rsa, 1100), (KeyKind::Rsa, 2048)];
    for (kind, bits) in keys {
        let key = SigningKey::generate(kind, bits).unwrap();
        let again = SigningKey::from_pem(key.to_pem().unwrap().as_bytes()).unwrap();
        let record = KeyRecord::parse(KeyRecord::new(key.public_key()).to_string().as_bytes()).unwrap();
        let public = record.key.unwrap();
        assert_eq!((public.kind(), public.bits()), (kind, bits));
        let algorithm = Algorithm::from(kind);
        let signature = again.sign(b"text").unwrap();
        assert!(public.verify(algorithm, b"text", &signature), "{key:?}");
        assert!(!public.verify(algorithm, b"test", &signature), "{key:?}");
        assert!(!public.verify(algorithm, b"text", &signature[1..]), "{key:?}");
    }
}

#[test]
fn only_sizes_that_make_sense() {
    for bits in [0, 512, 1023, 8193, u32::MAX] {
        assert!(matches!(SigningKey::generate(KeyKind::Rsa, bits), Err(PrivateKeyError::Size)), "{bits}");
    }
}

#[test]
fn sha1_and_digests() {
    let key = rsa_1024();
    let digest = HashAlgorithm::Sha1.digest(b"text");
    let signature = key.sign_sha1_digest(&digest).unwrap();
    let public = key.public_key();
    assert!(public.verify_digest(HashAlgorithm::Sha1, &digest, &signature));
    assert!(public.verify(Algorithm::RsaSha1, b"text", &signature));
    assert!(!public.verify(Algorithm::RsaSha256, b"text", &signature));
    assert!(!public.verify(Algorithm::Ed25519Sha256, b"text", &signature));
    let ed25519 = SigningKey::from_seed(&[1; 32]);
    assert!(ed25519.sign_sha1_digest(&digest).is_err());
    assert!(!ed25519.public_key().verify_digest(HashAlgorithm::Sha1, &digest, &signature));
}

#[test]
fn nothing_private_is_shown() {
    assert_eq!(format!("{:?}", rsa_1024()), "SigningKey(rsa 1024 bits)");
    assert_eq!(format!("{:?}", SigningKey::from_seed(&[1; 32])), "SigningKey(ed25519 256 bits)");
}

/// What rsa's own reader rejects, and key files in the field have.
#[test]
fn pem_of_all_sorts() {
    let pem = String::from_utf8(RSA_1024.to_vec()).unwrap();
    let lines: Vec<&str> = pem.lines().collect();
    let body = lines[1..lines.len() - 1].concat();
    let wide = body
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect::<Vec<_>>()
        .join("\n");
    for text in [
        body.clone(),
        pem.replace('\n', "\r\n"),
        format!("a comment\n{pem}and something after it\n"),
        pem.replace('\n', " \n"),
        format!("\u{feff}{pem}"),
        format!("\u{feff}{body}"),
        format!("{}\n{wide}\n{}\n", lines[0], lines[lines.len() - 1]),
    ] {
        assert!(SigningKey::from_pem(text.as_bytes()).is_ok(), "{text}");
    }
}

#[test]
fn what_is_no_private_key() {
    let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
        -----END PUBLIC KEY-----\n";
    let private = |der: &str| format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    for (file, expected) in [
        (String::new(), "no private key in PEM found"),
        ("hello".to_owned(), "no private key in PEM found"),
        (public.to_owned(), "this is a public key"),
        (private("AAAA"), "malformed private key"),
        (
            // An X25519 key
            private("MC4CAQAwBQYDK2VuBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"),
            "neither an RSA nor an Ed25519 private key",
        ),
        (public.replace("PUBLIC", "ENCRYPTED PRIVATE"), "the private key is encrypted"),
        (
            // openssl rsa -aes128 -traditional
            public
                .replace("PUBLIC", "RSA PRIVATE")
                .replace("\nMC", "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,D7A1\n\nMC"),
            "the private key is encrypted",
        ),
        (public.replace("PUBLIC", "EC PRIVATE"), "neither an RSA nor an Ed25519 private key"),
        (public.replace("PUBLIC", "OPENSSH PRIVATE"), "neither an RSA nor an Ed25519 private key"),
        (private("MC4C*"), "no private key in PEM found"),
    ] {
        let error = SigningKey::from_pem(file.as_bytes()).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(expected), "{file}");
    }
}

#[test]
fn ed25519_in_all_its_files() {
    let seed = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let expected = SigningKey::from_seed(&[1; 32]).public_key();
    let version_1 = "MC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";
    for file in
        [format!("{seed}\n"), format!("-----BEGIN PRIVATE KEY-----\n{version_1}\n-----END PRIVATE KEY-----")]
    {
        assert_eq!(SigningKey::from_pem(file.as_bytes()).unwrap().public_key(), expected, "{file}");
    }
    let version_2 = ed25519_dalek::SigningKey::from_bytes(&[1; 32]).to_pkcs8_der().unwrap();
    assert_eq!(SigningKey::from_pkcs8(version_2.as_bytes()).unwrap().public_key(), expected);
}

#[test]
fn records_go_both_ways() {
    let key = SigningKey::from_seed(&[1; 32]).public_key();
    let words = |list: &str| list.split(':').map(String::from).collect::<Vec<_>>();
    let full = KeyRecord {
        hashes: words("sha256:x-y"),
        services: words("email:*"),
        flags: words("y:s"),
        granularity: Some("joe*".to_owned()),
        ..KeyRecord::new(key.clone())
    }
    .with_note("a; b=c");
    for record in [full, KeyRecord::new(key), KeyRecord::new(rsa_1024().public_key()), KeyRecord::default()] {
        let text = record.to_string();
        assert_eq!(KeyRecord::parse(text.as_bytes()), Ok(record), "{text}");
    }
    let text = KeyRecord::default().to_string();
    assert_eq!(text, "v=DKIM1; k=rsa; p=");
}

/// Both encodings of an RSA key are one key; what is broken is none.
#[test]
fn rsa_keys_bare_and_wrapped() {
    let key = rsa_1024().public_key();
    let wrapped = key.to_octets();
    let bare = &wrapped[22..];
    assert_eq!(PublicKey::parse(KeyKind::Rsa, &wrapped), Ok(key.clone()));
    assert_eq!(PublicKey::parse(KeyKind::Rsa, bare), Ok(key));
    assert_eq!(PublicKey::parse(KeyKind::Ed25519, &wrapped), Err(PublicKeyError::OtherKind));
    for length in 0..wrapped.len() {
        assert_eq!(PublicKey::parse(KeyKind::Rsa, &wrapped[..length]), Err(PublicKeyError::Rsa), "{length}");
    }
    for length in 0..bare.len() {
        assert_eq!(PublicKey::parse(KeyKind::Rsa, &bare[..length]), Err(PublicKeyError::Rsa), "{length}");
    }
    let exponent_of_one = [&bare[..bare.len() - 5], &[0x02, 0x03, 0x00, 0x00, 0x01]].concat();
    assert_eq!(PublicKey::parse(KeyKind::Rsa, &exponent_of_one), Err(PublicKeyError::Rsa));
    assert_eq!(PublicKey::parse(KeyKind::Rsa, &[&wrapped[..], b"x"].concat()), Err(PublicKeyError::Rsa));
}

/// A point of small order would verify anything.
#[test]
fn weak_ed25519_keys_verify_nothing() {
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let key = PublicKey::parse(KeyKind::Ed25519, &neutral).unwrap();
    let mut signature = [0; 64];
    signature[0] = 1;
    assert!(!key.verify(Algorithm::Ed25519Sha256, b"text", &signature));
}

/// 512 and 768 bits, which ring refuses.
#[test]
fn short_rsa_keys_still_verify() {
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 512).unwrap();
    let der = rsa::pkcs1::EncodeRsaPublicKey::to_pkcs1_der(&key.to_public_key()).unwrap();
    let public = PublicKey::parse(KeyKind::Rsa, der.as_bytes()).unwrap();
    let signature =
        key.sign(public::padding(HashAlgorithm::Sha256), &HashAlgorithm::Sha256.digest(b"text")).unwrap();
    assert_eq!(public.bits(), 512);
    assert!(public.verify(Algorithm::RsaSha256, b"text", &signature));
    assert!(!public.verify(Algorithm::RsaSha256, b"test", &signature));
}
