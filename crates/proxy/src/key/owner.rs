//! Whose new keys are: root makes them, and the program that signs with them is another user.

use nix::unistd::{Gid, Group, Uid, User};
use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt, fchown, lchown};
use std::path::Path;

/// A user, and a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    /// Reads `USER` (with the group that this user has) or `USER:GROUP`, names or numbers.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
        let known = match user.parse() {
            Ok(number) => User::from_uid(Uid::from_raw(number)),
            Err(_) => User::from_name(user),
        };
        let known = known.map_err(|error| error.to_string())?;
        let number = known.as_ref().map(|known| known.uid.as_raw()).or_else(|| user.parse().ok());
        let number = number.ok_or_else(|| format!("there is no user `{user}`"))?;
        let group = match group {
            Some(group) => of_group(group)?,
            None => known.map(|known| known.gid.as_raw()).ok_or_else(|| {
                format!("user {user} has no name here, and so no group: write {user}:GROUP")
            })?,
        };
        Ok(Self { user: number, group })
    }

    /// Whose a folder is, or the nearest one above it that exists; `None` if that is root, or if we are not.
    pub fn of_folder(folder: &Path) -> Option<Self> {
        if !Uid::effective().is_root() {
            return None;
        }
        let folder = std::path::absolute(folder).ok()?;
        let metadata = folder.ancestors().find_map(|folder| folder.metadata().ok())?;
        (metadata.uid() != 0).then(|| Self { user: metadata.uid(), group: metadata.gid() })
    }

    /// Makes a file, a folder or a link its own.
    pub fn takes(self, path: &Path) -> io::Result<()> {
        lchown(path, Some(self.user), Some(self.group)).map_err(explained)
    }

    /// Makes an open file its own.
    pub fn takes_open(self, file: &File) -> io::Result<()> {
        fchown(file, Some(self.user), Some(self.group)).map_err(explained)
    }
}

fn of_group(group: &str) -> Result<u32, String> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let known = Group::from_name(group).map_err(|error| error.to_string())?;
    known.map(|known| Gid::as_raw(known.gid)).ok_or_else(|| format!("there is no group `{group}`"))
}

fn explained(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::PermissionDenied {
        return io::Error::new(
            error.kind(),
            "only root may give files to others: run it as root, or as that user",
        );
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_names_or_numbers() {
        assert_eq!(Owner::parse("root"), Ok(Owner { user: 0, group: 0 }));
        assert_eq!(Owner::parse("0:12"), Ok(Owner { user: 0, group: 12 }));
        assert_eq!(Owner::parse("4000000:12"), Ok(Owner { user: 4_000_000, group: 12 }));
        for (text, expected) in [
            ("nobody-of-this-name", "there is no user `nobody-of-this-name`"),
            ("root:none-of-this-name", "there is no group `none-of-this-name`"),
            ("4000000", "user 4000000 has no name here, and so no group: write 4000000:GROUP"),
        ] {
            assert_eq!(Owner::parse(text), Err(expected.to_owned()));
        }
    }

    #[test]
    fn what_root_makes_belongs_to_whom_the_folder_belongs() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("a/b");
        assert_eq!(Owner::of_folder(&inside), None);
        if !Uid::effective().is_root() {
            println!("skipped: only root can give a folder to somebody else");
            return;
        }
        let owner = Owner { user: 4_000_000, group: 12 };
        owner.takes(folder.path()).unwrap();
        assert_eq!(Owner::of_folder(&inside), Some(owner));
        super::super::disk::folder(&inside, Some(owner)).unwrap();
        let made = folder.path().join("a").metadata().unwrap();
        assert_eq!((made.uid(), made.gid(), made.mode() & 0o777), (4_000_000, 12, 0o700));
    }
}
