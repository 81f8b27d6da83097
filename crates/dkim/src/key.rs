//! Keys: the records that publish them, their public and their private half.

mod choice;
mod der;
mod pem;
mod private;
mod public;
mod published;
mod record;
mod rsa_signer;

pub(crate) use choice::{Demand, Unusable, Usable};
pub use private::{PrivateKey, PrivateKeyError, SigningKey};
pub use public::{PublicKey, PublicKeyError};
pub use published::{KeyFlaw, key_flaws};
pub use record::{KeyRecord, KeyRecordError};

#[cfg(test)]
mod tests;
