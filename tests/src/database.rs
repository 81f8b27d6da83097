//! PostgreSQL and Redis of Debian's packages, in folders and on ports of their own.

use crate::certificates::Certificate;
use crate::tools::open_to_all;
use crate::{Keys, ports, skip, wait};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, User};
use std::fmt::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// What logs in, and its password.
const USER: &str = "dkimgate";
const PASSWORD: &str = "swordfish";
/// Whom Debian's PostgreSQL runs as: it refuses to run as root.
const POSTGRES: &str = "postgres";

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// PostgreSQL, with the table that the documentation shows.
    Postgres,
    /// Redis, with a hash for each domain.
    Redis,
}

/// A running database server with a password. It is stopped when this value is dropped.
#[derive(Debug)]
pub struct Database {
    kind: Kind,
    port: u16,
    /// Where it speaks TLS, and nothing else; PostgreSQL does at its only port.
    tls_port: Option<u16>,
    child: Option<Child>,
    folder: TempDir,
}

impl Kind {
    /// Whether the scenario must end because the server is not there; see [`skip::missing`].
    #[must_use]
    pub fn is_missing(self) -> bool {
        match self {
            Self::Postgres => skip::missing("postgresql", postgres_programs().is_some()),
            Self::Redis => skip::missing("redis", Path::new(REDIS_SERVER).exists()),
        }
    }

    /// A server that holds no key.
    pub async fn start(self) -> Database {
        self.start_with(None).await
    }

    /// A server that holds no key, and takes logins over the network by TLS only.
    pub async fn start_encrypted(self, certificate: &Certificate) -> Database {
        self.start_with(Some(certificate)).await
    }

    async fn start_with(self, certificate: Option<&Certificate>) -> Database {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        open_to_all(folder.path());
        let port = ports::free();
        let tls_port = certificate.map(|_| if self == Self::Redis { ports::free() } else { port });
        let mut database = Database { kind: self, port, tls_port, child: None, folder };
        std::fs::write(database.password_file(), format!("{PASSWORD}\n")).expect("the folder is ours");
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(database.password_file(), private).expect("the file is ours");
        if self == Self::Postgres {
            database.make_cluster();
        }
        if let Some(certificate) = certificate {
            database.takes(certificate);
        }
        database.starts_again().await;
        if self == Self::Postgres {
            database.run(&format!(
                "CREATE TABLE dkim_keys (domain text, selector text, private_key text, PRIMARY KEY (domain, selector));
                 CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'; GRANT SELECT ON dkim_keys TO {USER};"
            ));
        }
        database
    }
}

impl Database {
    /// What stands below `keys:`; `more` are words beside the database, such as `refresh: 1s`.
    pub fn yaml(&self, more: &str) -> String {
        let (port, password) = (self.port, self.password_file());
        let password = password.display();
        let server = match self.kind {
            Kind::Postgres => format!(
                "postgres: {{host: 127.0.0.1, port: {port}, user: {USER}, dbname: postgres, password_file: {password}}}"
            ),
            Kind::Redis => {
                format!("redis: {{address: '127.0.0.1:{port}', user: {USER}, password_file: {password}}}")
            }
        };
        format!("sign:\n  - keys:\n      {server}\n      {more}\n")
    }

    /// The same for a connection by TLS to the server under this name, which the authority in the file has to vouch for.
    pub fn yaml_encrypted(&self, host: &str, ca_file: &Path) -> String {
        let port = self.tls_port.unwrap_or(self.port).to_string();
        let ca_file = ca_file.display();
        let yaml = self.yaml("");
        let encrypted = yaml.replace("127.0.0.1", host).replace(&self.port.to_string(), &port);
        encrypted.replace("password_file:", &format!("ca_file: {ca_file}, password_file:"))
    }

    /// How the program calls it.
    pub fn name(&self) -> String {
        match self.kind {
            Kind::Postgres => format!("postgres at 127.0.0.1:{}/postgres", self.port),
            Kind::Redis => format!("redis at 127.0.0.1:{}/0", self.port),
        }
    }

    /// Lets a domain sign with this key.
    pub fn has(&self, keys: &Keys, selector: &str) {
        let pem = std::fs::read_to_string(keys.file(selector)).expect("the key was made");
        self.has_text(keys.domain(), selector, &pem);
    }

    /// Writes this text in the place of a key.
    pub fn has_text(&self, domain: &str, selector: &str, text: &str) {
        match self.kind {
            Kind::Postgres => self.run(&format!(
                "INSERT INTO dkim_keys VALUES ('{domain}', '{selector}', '{text}')
                 ON CONFLICT (domain, selector) DO UPDATE SET private_key = EXCLUDED.private_key;"
            )),
            Kind::Redis => self.cli(&["HSET", &format!("dkim:{domain}"), selector, text]),
        }
    }

    /// Takes a key away.
    pub fn loses(&self, domain: &str, selector: &str) {
        match self.kind {
            Kind::Postgres => {
                self.run(&format!(
                    "DELETE FROM dkim_keys WHERE domain = '{domain}' AND selector = '{selector}';"
                ));
            }
            Kind::Redis => self.cli(&["HDEL", &format!("dkim:{domain}"), selector]),
        }
    }

    /// Stops the server. What it holds stays.
    pub fn stops(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // Fast shutdown for the one, with a snapshot for the other.
        let pid = i32::try_from(child.id()).expect("a process id fits");
        // It may have ended by itself.
        let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
        let _ = child.wait();
    }

    /// Starts the server, with what it held, and waits until it answers.
    pub async fn starts_again(&mut self) {
        let mut command = match self.kind {
            Kind::Postgres => self.postgres(),
            Kind::Redis => self.redis(),
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().expect("the server runs"));
        wait::until("the database", wait::LONG, || self.is_ready().then_some(())).await;
    }

    fn is_ready(&self) -> bool {
        let mut command = match self.kind {
            Kind::Postgres => {
                let mut command = self.psql();
                command.args(["-c", "SELECT 1"]);
                command
            }
            Kind::Redis => {
                let mut command = self.redis_cli();
                command.arg("PING");
                command
            }
        };
        command.output().is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
    }

    fn password_file(&self) -> PathBuf {
        self.folder.path().join("password")
    }

    /// Makes the files of a PostgreSQL server: local connections are trusted, others need a password.
    fn make_cluster(&self) {
        let data = self.folder.path().join("data");
        std::fs::create_dir(&data).expect("the temporary folder is ours");
        if Uid::effective().is_root() {
            let user = User::from_name(POSTGRES).ok().flatten().expect("Debian's package makes this user");
            chown(&data, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("root may give it away");
            chown(self.folder.path(), Some(user.uid.as_raw()), None).expect("root may give it away");
        }
        let mut command = self.as_postgres("initdb");
        command.args(["-U", POSTGRES, "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync", "-D"]);
        let output = command.arg(&data).output().expect("initdb runs");
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Puts the certificate where the server finds it, readable by the server only.
    fn takes(&self, Certificate { certificate, key }: &Certificate) {
        let data = match self.kind {
            Kind::Postgres => self.folder.path().join("data"),
            Kind::Redis => self.folder.path().to_owned(),
        };
        for (from, name) in [(certificate, "server.crt"), (key, "server.key")] {
            let file = data.join(name);
            std::fs::copy(from, &file).expect("the temporary folder is ours");
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))
                .expect("the file is ours");
            let owner = std::fs::metadata(&data).expect("the folder is there");
            chown(&file, Some(owner.uid()), Some(owner.gid())).expect("root may give it away");
        }
        if self.kind == Kind::Postgres {
            let rules = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
            std::fs::write(data.join("pg_hba.conf"), rules).expect("the file is there");
        }
    }

    fn postgres(&self) -> Command {
        let mut command = self.as_postgres("postgres");
        let folder = self.folder.path();
        command.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
        command.args(["-F", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        command.args(["-c", if self.tls_port.is_some() { "ssl=on" } else { "ssl=off" }]);
        command
    }

    fn redis(&self) -> Command {
        let mut command = Command::new(REDIS_SERVER);
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "3600 1"]);
        command.arg("--dir").arg(self.folder.path());
        if let Some(port) = self.tls_port {
            command.args(["--tls-port", &port.to_string(), "--tls-auth-clients", "no"]);
            let file = |name| self.folder.path().join(name);
            command
                .arg("--tls-cert-file")
                .arg(file("server.crt"))
                .arg("--tls-key-file")
                .arg(file("server.key"));
            // It asks for one even where clients show no certificate.
            command.arg("--tls-ca-cert-file").arg(file("server.crt"));
        }
        // The user that the documentation shows, which may only read.
        command.args(["--user", "default", "on", &format!(">{PASSWORD}"), "~*", "+@all"]);
        command.args([
            "--user",
            USER,
            "on",
            &format!(">{PASSWORD}"),
            "~dkim:*",
            "+hget",
            "+hgetall",
            "+select",
        ]);
        command
    }

    fn as_postgres(&self, program: &str) -> Command {
        let program = postgres_programs().expect("asked for by is_missing").join(program);
        let mut command = if Uid::effective().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", POSTGRES, "--regid", POSTGRES, "--clear-groups", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path());
        command
    }

    fn psql(&self) -> Command {
        let mut command = Command::new(postgres_programs().expect("asked for by is_missing").join("psql"));
        command.args(["-q", "-v", "ON_ERROR_STOP=1", "-U", POSTGRES, "-d", POSTGRES, "-p"]);
        command.arg(self.port.to_string()).arg("-h").arg(self.folder.path());
        command
    }

    fn redis_cli(&self) -> Command {
        let mut command = Command::new("/usr/bin/redis-cli");
        command.args(["-e", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        command.args(["--no-auth-warning", "-a", PASSWORD]);
        command
    }

    /// Runs this SQL.
    pub fn run(&self, sql: &str) {
        let output = self.psql().args(["-c", sql]).output().expect("psql runs");
        assert!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Gives this command to Redis.
    pub fn cli(&self, words: &[&str]) {
        let output = self.redis_cli().args(words).output().expect("redis-cli runs");
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        write!(said, "{}", String::from_utf8_lossy(&output.stderr)).expect("a string takes everything");
        assert!(output.status.success(), "redis-cli: {said}");
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.stops();
    }
}

const REDIS_SERVER: &str = "/usr/bin/redis-server";

/// Where Debian has the programs of PostgreSQL.
fn postgres_programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    versions.map(|version| version.path().join("bin")).find(|folder| folder.join("initdb").exists())
}
