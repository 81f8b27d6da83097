//! Binding what the files listen on, or taking over what the service manager has bound.

use crate::assemble::Assembly;
use config::{Fault, Listen, Placed, Report, Socket};
use listenfd::ListenFd;
use nix::unistd::{Group, User};
use relay::{Listener, Rights};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Binds what each file listens on. Nothing is served before all of it is bound.
pub fn bind(
    assemblies: &[Assembly],
    mut inherited: Inherited,
    reports: &mut Vec<Report>,
) -> Vec<Vec<Listener>> {
    let mut bound = Vec::new();
    for Assembly { config, .. } in assemblies {
        let mut listeners = Vec::new();
        let mut faults = Vec::new();
        for listen in &config.listener.listen {
            match open(listen, &config.listener.socket, &mut inherited) {
                Ok(opened) => listeners.extend(opened),
                Err(fault) => faults.push(fault),
            }
        }
        if !faults.is_empty() {
            reports.push(config.report(faults));
        }
        bound.push(listeners);
    }
    bound
}

/// Binds the addresses where metrics are told, each once: several files may name the same.
pub fn bind_metrics(assemblies: &[Assembly], reports: &mut Vec<Report>) -> Vec<TcpListener> {
    let mut bound = BTreeMap::new();
    for Assembly { config, .. } in assemblies {
        let Some(metrics) = &config.listener.metrics else { continue };
        let address = metrics.listen.value;
        if bound.contains_key(&address) {
            continue;
        }
        match bind_tcp(address) {
            Ok(listener) => _ = bound.insert(address, listener),
            Err(error) => {
                let listen = Placed { value: Listen::Address(address), place: metrics.listen.place };
                reports.push(config.report(vec![cannot_listen(&listen, &error)]));
            }
        }
    }
    bound.into_values().collect()
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

fn open(listen: &Placed<Listen>, socket: &Socket, inherited: &mut Inherited) -> Result<Vec<Listener>, Fault> {
    let opened = match &listen.value {
        Listen::Address(address) => Listener::tcp(*address).map(|listener| vec![listener]),
        Listen::Unix(path) => Listener::unix(path, rights(socket)?).map(|listener| vec![listener]),
        Listen::Inherited(name) => inherited.take(name.as_deref()),
    };
    opened.map_err(|error| cannot_listen(listen, &error))
}

/// The numbers of the names that the file says.
pub fn rights(socket: &Socket) -> Result<Rights, Fault> {
    let user = |name: &str| Some(User::from_name(name).ok()??.uid.as_raw());
    let group = |name: &str| Some(Group::from_name(name).ok()??.gid.as_raw());
    Ok(Rights {
        mode: socket.mode,
        owner: number(socket.owner.as_ref(), "user", user)?,
        group: number(socket.group.as_ref(), "group", group)?,
    })
}

fn number(
    name: Option<&Placed<String>>,
    what: &str,
    look_up: impl Fn(&str) -> Option<u32>,
) -> Result<Option<u32>, Fault> {
    let Some(name) = name else { return Ok(None) };
    let number = look_up(&name.value).or_else(|| name.value.parse().ok());
    number.map(Some).ok_or_else(|| {
        let problem = format!("this system has no {what} `{}`", name.value);
        Fault::unusable(
            name.place,
            problem,
            format!("name the {what} that your MTA runs as, such as `postfix`"),
        )
    })
}

fn cannot_listen(listen: &Placed<Listen>, error: &io::Error) -> Fault {
    let remedy = match (&listen.value, error.kind()) {
        (Listen::Inherited(_), _) => "let the service manager hand it down: a `.socket` unit beside the \
             `.service`, with `FileDescriptorName=` for the name"
            .to_owned(),
        (Listen::Address(address), io::ErrorKind::AddrInUse) => {
            let port = address.port();
            format!(
                "another program has port {port}: see `ss -ltnp 'sport = :{port}'`, or choose another one"
            )
        }
        (Listen::Unix(path), io::ErrorKind::AddrInUse) => {
            format!("another program listens there: see `ss -lxp src {}`", path.display())
        }
        (Listen::Address(_), io::ErrorKind::PermissionDenied) => {
            "choose a port above 1023, or let this user bind the port".to_owned()
        }
        (Listen::Address(_), _) => "name an address of this host".to_owned(),
        (Listen::Unix(_), _) => {
            "make the folder, let this user write there, and only root gives it away".to_owned()
        }
    };
    Fault::unusable(listen.place, format!("cannot listen on `{}`: {error}", listen.value), remedy)
}

/// The sockets that the service manager has bound, and the name of each.
pub struct Inherited {
    sockets: ListenFd,
    names: Vec<String>,
}

impl Inherited {
    /// Takes them; what the environment says of them is then gone.
    pub fn from_environment() -> Self {
        // sd_listen_fds(3): the names are parted by colons, in the order of the sockets.
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let names = names.split(':').map(str::to_owned).collect();
        Self { sockets: ListenFd::from_env(), names }
    }

    /// Those of this name, or all.
    fn take(&mut self, name: Option<&str>) -> io::Result<Vec<Listener>> {
        let named = |index: usize| name.is_none() || self.names.get(index).map(String::as_str) == name;
        let wanted: Vec<usize> = (0..self.sockets.len()).filter(|&index| named(index)).collect();
        let taken: Vec<Listener> =
            wanted.into_iter().filter_map(|index| self.one(index).transpose()).collect::<io::Result<_>>()?;
        if taken.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "no such socket was handed down"));
        }
        Ok(taken)
    }

    /// The socket at an index, if nobody has it yet.
    fn one(&mut self, index: usize) -> io::Result<Option<Listener>> {
        match self.sockets.take_tcp_listener(index) {
            Ok(socket) => socket.map(Listener::inherited_tcp).transpose(),
            Err(_) => self.sockets.take_unix_listener(index)?.map(Listener::inherited_unix).transpose(),
        }
    }
}
