//! One pass over the body, for any number of signatures (RFC 6376 §3.7).
//!
//! ```text
//!                    ┌─► lane: relaxed ──► sum: SHA-256, whole        ◄── two signatures share it
//!   body, by chunks ─┤                └──► sum: SHA-256, 1000 octets  ◄── l=1000
//!                    └─► lane: simple  ──► sum: SHA-1, whole
//! ```

use crate::algorithm::HashAlgorithm;
use crate::canonical::{BodyCanonicalizer, BodyForm};
use ring::digest;
use sha1::{Digest, Sha1};

/// Pieces below this size are put together before they are hashed.
const SMALL: usize = 256;
/// How much is put together.
const GATHER: usize = 4096;

/// What one signature wants to know of the body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BodyHashSpec {
    /// The body half of `c=`.
    pub form: BodyForm,
    /// The hash half of `a=`.
    pub algorithm: HashAlgorithm,
    /// `l=`, if any: how many canonical octets count.
    pub limit: Option<u64>,
}

impl BodyHashSpec {
    /// The whole body in one form under one hash.
    #[must_use]
    pub fn new(form: BodyForm, algorithm: HashAlgorithm) -> Self {
        Self { form, algorithm, limit: None }
    }
}

/// Names one body hash of a [`BodyHasher`]. Equal specs share one.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct BodyHashId(usize);

/// Whether more of the body can still change a hash.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Appetite {
    /// Give more, if there is more.
    Hungry,
    /// The rest need not be given.
    Sated,
}

/// Computes all the body hashes of a message in one pass over its body.
#[derive(Clone, Default)]
pub struct BodyHasher {
    /// `None` for a hash that nobody else can share.
    specs: Vec<Option<BodyHashSpec>>,
    lanes: Vec<Lane>,
}

/// All the hashes that share one canonical form.
#[derive(Clone)]
struct Lane {
    canonicalizer: BodyCanonicalizer,
    out: Out,
}

/// Where a canonical form goes.
#[derive(Clone, Default)]
struct Out {
    sums: Vec<Sum>,
    /// Small pieces, put together: a hash function takes its time for each piece it is given.
    gathered: Vec<u8>,
}

#[derive(Clone)]
struct Sum {
    id: BodyHashId,
    form: BodyForm,
    state: HashState,
    taken: u64,
    limit: Option<u64>,
    /// Whether the body went on after the limit.
    tail: bool,
    separator: &'static [u8],
}

#[derive(Clone)]
enum HashState {
    Sha1(Sha1),
    Sha256(digest::Context),
}

impl BodyHasher {
    /// Asks for one more body hash; to be called before the body starts.
    pub fn request(&mut self, spec: BodyHashSpec) -> BodyHashId {
        if let Some(known) = self.specs.iter().position(|known| *known == Some(spec)) {
            return BodyHashId(known);
        }
        self.add(Some(spec), Sum::new(spec))
    }

    /// Asks for one hash over a canonical header and the body together, as DomainKeys has it. An empty line stands
    /// between them, unless the body is empty.
    pub fn request_after(&mut self, header: &[u8], spec: BodyHashSpec) -> BodyHashId {
        let mut sum = Sum::new(spec);
        sum.state.update(header);
        sum.separator = b"\r\n";
        self.add(None, sum)
    }

    /// How many different hashes were asked for.
    pub(crate) fn requests(&self) -> usize {
        self.specs.len()
    }

    /// Takes the next chunk of the body.
    pub fn update(&mut self, chunk: &[u8]) -> Appetite {
        for Lane { canonicalizer, out } in self.lanes.iter_mut().filter(|lane| !lane.is_sated()) {
            canonicalizer.update(chunk, |piece| out.take(piece));
            out.flush();
        }
        self.appetite()
    }

    /// Whether more of the body can change anything.
    pub fn appetite(&self) -> Appetite {
        if self.lanes.iter().all(Lane::is_sated) { Appetite::Sated } else { Appetite::Hungry }
    }

    /// Ends the body.
    #[must_use]
    pub fn finish(self) -> BodyHashes {
        let mut hashes = vec![BodyHash::default(); self.specs.len()];
        for Lane { canonicalizer, mut out } in self.lanes {
            canonicalizer.finish(|piece| out.take(piece));
            out.flush();
            for sum in out.sums {
                let BodyHashId(at) = sum.id;
                hashes[at] = sum.finish();
            }
        }
        BodyHashes(hashes)
    }

    fn add(&mut self, spec: Option<BodyHashSpec>, sum: Sum) -> BodyHashId {
        let id = BodyHashId(self.specs.len());
        self.specs.push(spec);
        self.lane(sum.form).out.sums.push(Sum { id, ..sum });
        id
    }

    fn lane(&mut self, form: BodyForm) -> &mut Lane {
        let at = self.lanes.iter().position(|lane| lane.canonicalizer.form() == form);
        let at = at.unwrap_or_else(|| {
            self.lanes.push(Lane { canonicalizer: BodyCanonicalizer::new(form), out: Out::default() });
            self.lanes.len() - 1
        });
        &mut self.lanes[at]
    }
}

impl Lane {
    fn is_sated(&self) -> bool {
        self.out.sums.iter().all(|sum| sum.tail)
    }
}

impl Out {
    fn take(&mut self, piece: &[u8]) {
        if self.gathered.len() + piece.len() > GATHER {
            self.flush();
        }
        if piece.len() < SMALL {
            self.gathered.extend_from_slice(piece);
        } else {
            self.flush();
            self.sums.iter_mut().for_each(|sum| sum.update(piece));
        }
    }

    fn flush(&mut self) {
        if !self.gathered.is_empty() {
            self.sums.iter_mut().for_each(|sum| sum.update(&self.gathered));
            self.gathered.clear();
        }
    }
}

impl Sum {
    fn new(spec: BodyHashSpec) -> Self {
        let BodyHashSpec { form, algorithm, limit } = spec;
        let state = HashState::new(algorithm);
        Self { id: BodyHashId(0), form, state, taken: 0, limit, tail: false, separator: &[] }
    }

    fn update(&mut self, piece: &[u8]) {
        let separator = std::mem::take(&mut self.separator);
        if !separator.is_empty() {
            self.state.update(separator);
        }
        let mut piece = piece;
        if let Some(limit) = self.limit {
            let room = usize::try_from(limit - self.taken).unwrap_or(usize::MAX);
            self.tail |= piece.len() > room;
            piece = &piece[..piece.len().min(room)];
        }
        self.taken += piece.len() as u64;
        self.state.update(piece);
    }

    fn finish(self) -> BodyHash {
        BodyHash { digest: self.state.finish(), length: self.taken, tail: self.tail }
    }
}

impl HashState {
    fn new(algorithm: HashAlgorithm) -> Self {
        match algorithm {
            HashAlgorithm::Sha1 => Self::Sha1(Sha1::new()),
            HashAlgorithm::Sha256 => Self::Sha256(digest::Context::new(&digest::SHA256)),
        }
    }

    fn update(&mut self, piece: &[u8]) {
        match self {
            Self::Sha1(state) => state.update(piece),
            Self::Sha256(state) => state.update(piece),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha1(state) => state.finalize().to_vec(),
            Self::Sha256(state) => state.finish().as_ref().to_vec(),
        }
    }
}

impl HashAlgorithm {
    /// The hash of one text.
    #[must_use]
    pub fn digest(self, text: &[u8]) -> Vec<u8> {
        let mut state = HashState::new(self);
        state.update(text);
        state.finish()
    }
}

/// One finished body hash.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BodyHash {
    /// To be compared with `bh=`.
    pub digest: Vec<u8>,
    /// How many canonical octets went in; `l=` must not ask for more.
    pub length: u64,
    /// Whether the canonical body is longer than that.
    pub tail: bool,
}

/// The finished body hashes of a message.
pub struct BodyHashes(Vec<BodyHash>);

impl std::ops::Index<BodyHashId> for BodyHashes {
    type Output = BodyHash;

    fn index(&self, id: BodyHashId) -> &BodyHash {
        &self.0[id.0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use BodyForm::{OldSimple, Relaxed, Simple};

    fn spec(form: BodyForm) -> BodyHashSpec {
        BodyHashSpec::new(form, HashAlgorithm::Sha256)
    }

    #[test]
    fn three_signatures_need_two_canonical_forms_and_two_hashes() {
        let mut hasher = BodyHasher::default();
        let rsa = hasher.request(spec(Relaxed));
        let ed25519 = hasher.request(spec(Relaxed));
        let simple = hasher.request(spec(Simple));
        assert_eq!(rsa, ed25519);
        assert_eq!(hasher.lanes.len(), 2);
        assert_eq!(hasher.update(b"Hi \r\n"), Appetite::Hungry);
        let all = hasher.finish();
        assert_eq!(all[rsa].length, 4);
        assert_eq!(all[simple].length, 5);
    }

    #[test]
    fn a_limit_ends_the_work_once_the_tail_is_known() {
        let mut hasher = BodyHasher::default();
        let id = hasher.request(BodyHashSpec { limit: Some(3), ..spec(Relaxed) });
        assert_eq!(hasher.update(b"abc"), Appetite::Hungry);
        assert_eq!(hasher.update(b"\r\n"), Appetite::Hungry);
        assert_eq!(hasher.update(b"d"), Appetite::Sated);
        let all = hasher.finish();
        let expected = BodyHash { digest: HashAlgorithm::Sha256.digest(b"abc"), length: 3, tail: true };
        assert_eq!(all[id], expected);
    }

    #[test]
    fn nobody_asks_and_nothing_is_wanted() {
        assert_eq!(BodyHasher::default().update(b"x"), Appetite::Sated);
    }

    /// RFC 6376 §3.4.3 and §3.4.4 give the hashes of the empty body.
    #[test]
    fn the_hashes_of_the_empty_body() {
        for (form, algorithm, expected) in [
            (Simple, HashAlgorithm::Sha1, "uoq1oCgLlTqpdDX/iUbLy7J1Wic="),
            (Simple, HashAlgorithm::Sha256, "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="),
            (Relaxed, HashAlgorithm::Sha1, "2jmj7l5rSw0yVb/vlWAYkK/YBwk="),
            (Relaxed, HashAlgorithm::Sha256, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        ] {
            let mut hasher = BodyHasher::default();
            let id = hasher.request(BodyHashSpec::new(form, algorithm));
            assert_eq!(
                hasher.finish()[id].digest,
                crate::encoding::base64_decode(expected.as_bytes()).unwrap()
            );
        }
    }

    #[test]
    fn a_separator_stands_only_before_a_body() {
        for (body, text) in [(&b"\r\n\r\n"[..], &b"a:b\r\n"[..]), (b"x", b"a:b\r\n\r\nx\r\n")] {
            let mut hasher = BodyHasher::default();
            let id = hasher.request_after(b"a:b\r\n", spec(OldSimple));
            assert_eq!(hasher.update(body), Appetite::Hungry);
            assert_eq!(hasher.finish()[id].digest, HashAlgorithm::Sha256.digest(text));
        }
    }
}
