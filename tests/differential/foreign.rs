//! Signatures by the others: dkimpy, libopendkim (`foreign.py`) and `Mail::DKIM` (`foreign.pl`).

use crate::keys::{ED25519_SEED, RSA_PEM};
use crate::message::DOMAIN;
use crate::ours::{SIGNED_NAMES, selector};
use crate::random::Random;
use crate::verdict::{NOW, PYTHON};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Who signs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Signer {
    Dkimpy,
    DkimpyEd25519,
    LibOpenDkim,
    MailDkim,
    /// `Mail::DKIM` with a signature of the older family.
    MailDkimOld,
}

impl Signer {
    pub(crate) const ALL: [Signer; 4] =
        [Signer::Dkimpy, Signer::DkimpyEd25519, Signer::LibOpenDkim, Signer::MailDkim];

    fn name(self) -> &'static str {
        match self {
            Signer::Dkimpy | Signer::DkimpyEd25519 => "dkimpy",
            Signer::LibOpenDkim => "libopendkim",
            Signer::MailDkim => "mail_dkim",
            Signer::MailDkimOld => "mail_dkim_old",
        }
    }

    fn command(self) -> Command {
        let script = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("differential").join(name);
        let (interpreter, script) = match self {
            Signer::MailDkim | Signer::MailDkimOld => ("perl", script("foreign.pl")),
            _ => (PYTHON, script("foreign.py")),
        };
        let mut command = Command::new(interpreter);
        command.arg(script);
        command
    }
}

/// A message to be signed by somebody else.
pub(crate) struct Job {
    pub(crate) signer: Signer,
    pub(crate) message: Vec<u8>,
    pub(crate) selector: String,
    pub(crate) header: &'static str,
    pub(crate) body: &'static str,
    /// `h=` as far as the signer allows to say it.
    pub(crate) names: Option<Vec<String>>,
    pub(crate) identity: Option<String>,
    /// Whether `l=` is said; dkimpy only.
    pub(crate) length: bool,
}

impl Job {
    /// A plain one.
    pub(crate) fn new(signer: Signer, message: Vec<u8>) -> Job {
        let selector = if signer == Signer::DkimpyEd25519 { "ed" } else { "k0" }.to_owned();
        let (header, body) = ("relaxed", "relaxed");
        Job { signer, message, selector, header, body, names: None, identity: None, length: false }
    }

    /// The same with these canonical forms.
    pub(crate) fn with_forms(self, (header, body): (&'static str, &'static str)) -> Job {
        Job { header, body, ..self }
    }

    /// One of the older family, with everything chosen.
    pub(crate) fn old(message: Vec<u8>, random: &mut Random) -> Job {
        let mut job = Job::new(Signer::MailDkimOld, message);
        job.selector = selector(random);
        job.body = random.pick(&["simple", "nofws"]);
        job.names = random.chance(50).then(Vec::new);
        job
    }

    /// One with everything chosen.
    pub(crate) fn chosen(message: Vec<u8>, random: &mut Random) -> Job {
        let mut job = Job::new(random.pick(&Signer::ALL), message);
        if job.signer != Signer::DkimpyEd25519 {
            job.selector = selector(random);
        }
        job.header = random.pick(&["simple", "relaxed"]);
        job.body = random.pick(&["simple", "relaxed"]);
        job.names = random.chance(50).then(|| {
            let names = (0..random.below(6)).map(|_| random.pick(&SIGNED_NAMES));
            ["From"].into_iter().chain(names).map(str::to_owned).collect()
        });
        job.identity = random.chance(15).then(|| format!("user@{DOMAIN}"));
        job.length = random.chance(10);
        job
    }
}

/// The messages signed; one that its signer refuses has its reason instead.
pub(crate) fn sign(jobs: &[Job]) -> Vec<Result<Vec<u8>, String>> {
    let mut workshop = Workshop::new();
    let scripts: [&[Signer]; 2] = [
        &[Signer::MailDkim, Signer::MailDkimOld],
        &[Signer::Dkimpy, Signer::DkimpyEd25519, Signer::LibOpenDkim],
    ];
    let mut signed: Vec<_> = jobs.iter().map(|_| Err(String::new())).collect();
    for signers in scripts {
        let theirs: Vec<_> =
            jobs.iter().enumerate().filter(|(_, job)| signers.contains(&job.signer)).collect();
        for ((at, _), result) in theirs.iter().zip(workshop.run(signers[0], &theirs)) {
            signed[*at] = result;
        }
    }
    signed
}

/// Where the messages are handed over.
struct Workshop {
    folder: TempDir,
}

impl Workshop {
    fn new() -> Workshop {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        fs::write(folder.path().join("rsa.pem"), RSA_PEM).expect("the temporary folder is ours");
        let seed = BASE64_STANDARD.encode(ED25519_SEED);
        fs::write(folder.path().join("ed25519.b64"), seed).expect("the temporary folder is ours");
        Workshop { folder }
    }

    fn run(&mut self, signer: Signer, jobs: &[(usize, &Job)]) -> Vec<Result<Vec<u8>, String>> {
        let lines: Vec<_> = jobs.iter().map(|(at, job)| self.line(*at, job).to_string() + "\n").collect();
        let list = self.folder.path().join("jobs");
        fs::write(&list, lines.concat()).expect("the temporary folder is ours");
        let mut command = signer.command();
        command.stdin(fs::File::open(&list).expect("we wrote it")).envs(frozen_clock());
        let output = command.output().unwrap_or_else(|fault| panic!("{command:?}: {fault}"));
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said.lines().count(), jobs.len(), "{command:?} broke off: {complaint}");
        let results = jobs.iter().zip(said.lines()).map(|((at, _), line)| match line {
            "signed" => Ok(fs::read(self.path(*at, "out")).expect("the signer wrote it")),
            reason => Err(reason.to_owned()),
        });
        results.collect()
    }

    fn line(&self, at: usize, job: &Job) -> Value {
        fs::write(self.path(at, "in"), &job.message).expect("the temporary folder is ours");
        let key = if job.signer == Signer::DkimpyEd25519 { "ed25519.b64" } else { "rsa.pem" };
        json!({
            "signer": job.signer.name(), "in": self.path(at, "in"), "out": self.path(at, "out"),
            "selector": job.selector, "domain": DOMAIN, "key": self.folder.path().join(key),
            "header": job.header, "body": job.body, "names": job.names, "identity": job.identity,
            "length": job.length,
        })
    }

    fn path(&self, at: usize, kind: &str) -> PathBuf {
        self.folder.path().join(format!("{at}.{kind}"))
    }
}

/// The variables that let a program believe it is [`NOW`].
fn frozen_clock() -> Vec<(&'static str, String)> {
    let mut libraries = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let library = libraries.find_map(|folder| {
        let library = folder.path().join("faketime/libfaketime.so.1");
        library.exists().then(|| library.display().to_string())
    });
    let library = library.expect("Debian's package faketime is installed by tests/run");
    assert_eq!(NOW, 1_700_000_000, "the date below is this");
    vec![
        ("LD_PRELOAD", library),
        ("FAKETIME", "@2023-11-14 22:13:20".to_owned()),
        ("FAKETIME_DONT_RESET", "1".to_owned()),
        ("TZ", "UTC".to_owned()),
    ]
}
