//! What we are to a file or folder, and what lets us in.

use super::user;
use nix::unistd::{Gid, Uid, getgroups};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What we are to a file or folder.
#[derive(Clone, Copy, Debug)]
enum Class {
    Owner,
    Group,
    Others,
}

/// What a file or folder lets us do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    class: Class,
    mode: u32,
    is_folder: bool,
}

impl Standing {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let groups = getgroups().unwrap_or_default();
        let group = Gid::from_raw(metadata.gid());
        let class = if metadata.uid() == Uid::effective().as_raw() {
            Class::Owner
        } else if group == Gid::effective() || groups.contains(&group) {
            Class::Group
        } else {
            Class::Others
        };
        Self { class, mode: metadata.mode(), is_folder: metadata.is_dir() }
    }
}

/// The command that lets us into a folder, or lets us read a file. The system looks at the bits of one class only: those
/// for others do not help an owner.
pub(super) fn let_in(path: &Path, standing: Standing) -> String {
    let (letter, shift) = match standing.class {
        Class::Owner => ('u', 6),
        Class::Group => ('g', 3),
        Class::Others => ('o', 0),
    };
    let (right, bit) = if standing.is_folder { ('x', 0o1) } else { ('r', 0o4) };
    let path = path.display();
    if (standing.mode >> shift) & bit != 0 {
        return format!("its mode would do: look at `getfacl {path}`, and at what confines the program");
    }
    match standing.class {
        // What holds a key is not opened to everybody.
        Class::Others if !standing.is_folder => format!("chown {} {path}", user(Uid::effective().as_raw())),
        _ => format!("chmod {letter}+{right} {path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_for_the_class_that_we_are_in() {
        let path = Path::new("/k");
        let us = user(Uid::effective().as_raw());
        for (class, mode, is_folder, command) in [
            (Class::Owner, 0o000, false, "chmod u+r /k"),
            (Class::Owner, 0o204, false, "chmod u+r /k"),
            (Class::Owner, 0o600, true, "chmod u+x /k"),
            (Class::Group, 0o705, true, "chmod g+x /k"),
            (Class::Group, 0o600, false, "chmod g+r /k"),
            (Class::Others, 0o750, true, "chmod o+x /k"),
            (Class::Others, 0o600, false, &format!("chown {us} /k")),
            (
                Class::Owner,
                0o600,
                false,
                "its mode would do: look at `getfacl /k`, and at what confines the program",
            ),
        ] {
            assert_eq!(let_in(path, Standing { class, mode, is_folder }), command);
        }
    }
}
