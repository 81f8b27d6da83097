//! A mail host as `docs/postfix.md` builds it: Postfix, and dkimgate where it belongs.

use crate::{Client, Keys, NextHop, Ports, Postfix, Proxy, Script, Setup};
use std::path::{Path, PathBuf};

/// How dkimgate is used; each is a section of `docs/postfix.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The submission port is signed, nothing else.
    SubmissionOnly,
    /// The submission port is signed and port 25 verified, both after the queue.
    BothWays,
    /// Port 25 is verified before the queue.
    BeforeQueue,
}

/// A running host of `example.org`; `elsewhere` is where all other domains' mail goes.
#[derive(Debug)]
pub struct Mailhost {
    /// The Postfix.
    pub postfix: Postfix,
    /// The outbound dkimgate.
    pub signer: Option<Proxy>,
    /// The inbound dkimgate.
    pub verifier: Option<Proxy>,
    /// The rest of the world.
    pub elsewhere: NextHop,
    /// The keys of example.org.
    pub ours: Keys,
    /// The keys of example.net, whose mail comes in.
    pub theirs: Keys,
    ports: Ports,
}

/// A mail host to be started.
#[derive(Debug)]
pub struct MailhostSetup {
    role: Use,
    elsewhere: Script,
    main: Vec<String>,
    blocks: Vec<String>,
    signer: String,
    rule: Option<String>,
    verifier: String,
    sockets: Option<PathBuf>,
}

impl Mailhost {
    /// A host of this use.
    pub fn with(role: Use) -> MailhostSetup {
        let nothing = Vec::new;
        MailhostSetup {
            role,
            elsewhere: NextHop::fake(),
            main: nothing(),
            blocks: nothing(),
            signer: String::new(),
            rule: None,
            verifier: String::new(),
            sockets: None,
        }
    }

    /// A user's client on the submission port.
    pub async fn submission(&self) -> Client {
        Client::connect(self.ports.submission).await
    }

    /// Another server's client on port 25.
    pub async fn port25(&self) -> Client {
        Client::connect(self.ports.smtp).await
    }

    /// The ports of this host.
    pub fn ports(&self) -> Ports {
        self.ports
    }
}

impl MailhostSetup {
    /// What the rest of the world replies.
    #[must_use]
    pub fn elsewhere(mut self, script: Script) -> MailhostSetup {
        self.elsewhere = script;
        self
    }

    /// Adds a line to main.cf.
    #[must_use]
    pub fn main(mut self, line: &str) -> MailhostSetup {
        self.main.push(line.to_owned());
        self
    }

    /// Adds one more block of `docs/postfix.md`.
    #[must_use]
    pub fn documented(mut self, title: &str) -> MailhostSetup {
        self.blocks.push(title.to_owned());
        self
    }

    /// Adds lines to the outbound dkimgate's file.
    #[must_use]
    pub fn signer_setting(mut self, lines: &str) -> MailhostSetup {
        self.signer.push_str(lines);
        self
    }

    /// Adds a line to each rule of the outbound dkimgate.
    #[must_use]
    pub fn each_rule(mut self, line: &str) -> MailhostSetup {
        self.rule = Some(line.to_owned());
        self
    }

    /// Has the outbound dkimgate listen on a UNIX socket in this folder.
    #[must_use]
    pub fn signer_listens_in(mut self, folder: &Path) -> MailhostSetup {
        self.sockets = Some(folder.to_owned());
        self.signer_setting("protocol: lmtp\nsocket:\n  owner: postfix\n  mode: 0600\n")
    }

    /// Adds lines to the inbound dkimgate's file.
    #[must_use]
    pub fn verifier_setting(mut self, lines: &str) -> MailhostSetup {
        self.verifier.push_str(lines);
        self
    }

    /// Starts everything.
    pub async fn start(self) -> Mailhost {
        let ports = Ports::free();
        let (ours, theirs) = (Keys::of("example.org"), Keys::of("example.net"));
        let elsewhere = self.elsewhere.clone().start().await;
        let is_signing = self.role != Use::BeforeQueue;
        let is_verifying = self.role != Use::SubmissionOnly;
        let signer = Proxy::outbound().listen(ports.to_sign).relay_to(ports.signed);
        let signer =
            self.rule.iter().fold(signer, |signer, line| signer.each_rule(line)).signs_twice_with(&ours);
        let signer = match &self.sockets {
            Some(folder) => signer.listen_on(&format!("unix:{}/out.sock", folder.display())),
            None => signer,
        };
        let signer = if is_signing { Some(signer.setting(&self.signer).start().await) } else { None };
        let verifier =
            Proxy::inbound().listen(ports.to_verify).relay_to(ports.verified).records(&theirs.zone());
        let verifier = if is_verifying { Some(verifier.setting(&self.verifier).start().await) } else { None };
        let postfix = self.postfix(Postfix::on(ports, elsewhere.port())).start().await;
        Mailhost { postfix, signer, verifier, elsewhere, ours, theirs, ports }
    }

    fn postfix(&self, setup: Setup) -> Setup {
        let blocks: &[&str] = match self.role {
            Use::SubmissionOnly => &["master.cf: sign the submission port"],
            Use::BothWays => {
                &["master.cf: sign the submission port", "master.cf: verify port 25 after the queue"]
            }
            Use::BeforeQueue => &["master.cf: verify port 25 before the queue"],
        };
        let setup = match &self.sockets {
            Some(folder) => setup.sockets(folder),
            None => setup,
        };
        let all = blocks.iter().copied().chain(self.blocks.iter().map(String::as_str));
        let setup = all.fold(setup, Setup::documented);
        self.main.iter().fold(setup, |setup, line| setup.main(line))
    }
}
