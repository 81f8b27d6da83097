//! A body: in memory up to a threshold, then in a file that has no name.
//!
//! The file is gone with its last handle, whatever ends the process. A body is never cut short: what could not be
//! written is told before anything is passed on.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::{JoinHandle, spawn_blocking};

/// How much goes to the file at once, and comes back.
const BLOCK: usize = 256 << 10;
/// Memory from this size on is worth keeping.
const LARGE: usize = 64 << 10;
/// More than this is not kept: a body that could not be converted may be many times as large as others in memory.
const HUGE: usize = 2 << 20;
/// So many pieces of it are kept.
const SHELVED: usize = 4;

/// Memory of large bodies that are over, for those to come. The system gives a megabyte by pages of 4 KB, each of which
/// costs as much as hashing it.
#[derive(Debug, Default)]
pub(crate) struct Shelf(Mutex<Vec<Vec<u8>>>);

impl Shelf {
    /// Keeps the memory of a body that is over, if it is large, not huge, and there is room.
    pub(crate) fn keep(&self, body: Sealed) {
        if let Sealed::Memory(mut memory) = body
            && (LARGE..=HUGE).contains(&memory.capacity())
        {
            memory.clear();
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < SHELVED {
                kept.push(memory);
            }
        }
    }

    fn take(&self) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// A file that is being written, and the memory that it is written from.
type Writing = JoinHandle<io::Result<(File, Vec<u8>)>>;

/// A body that grows.
#[derive(Debug)]
pub(crate) struct Body {
    /// All of it, or what is not yet in the file.
    memory: Vec<u8>,
    /// So many octets at the end of it were read to there, and nobody knows yet what of them belongs to the body.
    fresh: usize,
    /// The file, while it is written and until there is more to write.
    writing: Option<Writing>,
    /// What the file holds, or will when that is done.
    filed: u64,
    threshold: usize,
    spool: Arc<Path>,
    shelf: Arc<Shelf>,
}

impl Body {
    pub(crate) fn new(threshold: usize, spool: &Arc<Path>, shelf: &Arc<Shelf>) -> Self {
        Self {
            memory: Vec::new(),
            fresh: 0,
            writing: None,
            filed: 0,
            threshold,
            spool: Arc::clone(spool),
            shelf: Arc::clone(shelf),
        }
    }

    /// Forgets all of it.
    pub(crate) fn clear(&mut self) {
        (self.memory, self.fresh, self.writing, self.filed) = (Vec::new(), 0, None, 0);
    }

    /// Takes a piece, into memory for now.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.make_room(piece.len());
        self.memory.extend_from_slice(piece);
    }

    /// Lends its memory, with room for so many octets more to be read to where they stay.
    pub(crate) fn lend(&mut self, room: usize) -> Vec<u8> {
        self.make_room(room);
        std::mem::take(&mut self.memory)
    }

    /// Takes back what it lent, with so many octets read to the end of it.
    pub(crate) fn take_back(&mut self, memory: Vec<u8>, fresh: usize) {
        (self.memory, self.fresh) = (memory, fresh);
    }

    /// Whether something was read that nobody has looked at.
    pub(crate) const fn is_fresh(&self) -> bool {
        self.fresh > 0
    }

    /// Lends its memory, and says where what was read begins.
    pub(crate) fn lend_fresh(&mut self) -> (Vec<u8>, usize) {
        let memory = std::mem::take(&mut self.memory);
        let from = memory.len() - std::mem::take(&mut self.fresh);
        (memory, from)
    }

    /// Makes room in memory for so many octets more, off the shelf when the body becomes large.
    fn make_room(&mut self, more: usize) {
        if self.writing.is_none()
            && self.memory.len() <= LARGE
            && self.memory.len() + more > LARGE
            && let Some(mut memory) = self.shelf.take()
        {
            memory.extend_from_slice(&self.memory);
            self.memory = memory;
        }
        self.memory.reserve(more);
    }

    /// Moves to the file what is too much for memory. It is written while more comes in; what goes wrong is told the next
    /// time, or at the end.
    pub(crate) async fn settle(&mut self) -> io::Result<()> {
        let room = if self.writing.is_some() { BLOCK } else { self.threshold };
        if self.memory.len() <= room { Ok(()) } else { self.spill().await }
    }

    /// Ends the body, to be read from its beginning.
    pub(crate) async fn seal(mut self) -> io::Result<Sealed> {
        if self.writing.is_some() {
            self.spill().await?;
        }
        Ok(match self.written().await? {
            None => Sealed::Memory(self.memory),
            Some((file, _)) => {
                Sealed::File { file: Some(blocking(move || rewound(file)).await?), left: self.filed }
            }
        })
    }

    /// Begins to write what is in memory, once what was begun before is written.
    async fn spill(&mut self) -> io::Result<()> {
        let (file, spare) = self.written().await?.unzip();
        let mut memory = std::mem::replace(&mut self.memory, spare.unwrap_or_default());
        self.filed += memory.len() as u64;
        let spool = Arc::clone(&self.spool);
        self.writing = Some(spawn_blocking(move || {
            let mut file = match file {
                Some(file) => file,
                None => tempfile::tempfile_in(&spool)?,
            };
            file.write_all(&memory)?;
            memory.clear();
            memory.shrink_to(2 * BLOCK);
            Ok((file, memory))
        }));
        Ok(())
    }

    /// Waits until what was begun is written.
    async fn written(&mut self) -> io::Result<Option<(File, Vec<u8>)>> {
        let Some(writing) = self.writing.take() else { return Ok(None) };
        writing.await.map_err(io::Error::other)?.map(Some)
    }
}

fn rewound(mut file: File) -> io::Result<File> {
    file.rewind()?;
    Ok(file)
}

/// A body that is complete.
#[derive(Debug)]
pub(crate) enum Sealed {
    Memory(Vec<u8>),
    File { file: Option<File>, left: u64 },
}

impl Sealed {
    /// How many octets it has.
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Memory(memory) => memory.len() as u64,
            Self::File { left, .. } => *left,
        }
    }

    /// All of it.
    pub(crate) async fn into_memory(mut self) -> io::Result<Vec<u8>> {
        if let Self::Memory(memory) = self {
            return Ok(memory);
        }
        let (mut whole, mut block) = (Vec::new(), Vec::new());
        loop {
            block = self.next_block(block).await?;
            if block.is_empty() {
                return Ok(whole);
            }
            whole.extend_from_slice(&block);
        }
    }

    /// The next block from a file into `block`; empty at the end. A file that is shorter than what was written to
    /// it is an error.
    pub(crate) async fn next_block(&mut self, mut block: Vec<u8>) -> io::Result<Vec<u8>> {
        block.clear();
        let Self::File { file, left } = self else { return Ok(block) };
        let wanted = (*left).min(BLOCK as u64);
        let mut taken = file.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let (back, block) = blocking(move || {
            let mut block = block;
            let got = Read::by_ref(&mut taken).take(wanted).read_to_end(&mut block)?;
            if got as u64 == wanted { Ok((taken, block)) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
        })
        .await?;
        *file = Some(back);
        *left -= wanted;
        Ok(block)
    }
}

/// Runs what may wait for a disk where it makes nobody else wait.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_comes_back_whatever_its_size() {
        for size in [0, 1, 999, 1000, 1001, BLOCK, BLOCK + 1, 3 * BLOCK + 7] {
            let content: Vec<u8> = (0..size).map(|n| u8::try_from(n % 251).unwrap()).collect();
            for piece in [97, 1000, BLOCK + 5] {
                let mut body = Body::new(1000, &std::env::temp_dir().into(), &Arc::default());
                for piece in content.chunks(piece) {
                    body.push(piece);
                    body.settle().await.unwrap();
                }
                let sealed = body.seal().await.unwrap();
                assert_eq!(matches!(sealed, Sealed::Memory(_)), size <= 1000);
                assert_eq!(sealed.length(), size as u64);
                assert!(sealed.into_memory().await.unwrap() == content, "{size} in pieces of {piece}");
            }
        }
    }

    #[tokio::test]
    async fn memory_is_used_again_and_shows_nothing_of_before() {
        let shelf = Arc::<Shelf>::default();
        let body = async |octet, size| {
            let mut body = Body::new(1 << 20, &Path::new("").into(), &shelf);
            (0..size / 1000).for_each(|_| body.push(&[octet; 1000]));
            body.seal().await.unwrap()
        };
        shelf.keep(body(b'a', 10_000).await);
        shelf.keep(Sealed::Memory(Vec::with_capacity(HUGE + 1)));
        assert!(shelf.take().is_none(), "neither small nor huge memory is kept");
        for _ in 0..=SHELVED {
            shelf.keep(body(b'a', 300_000).await);
        }
        assert_eq!(shelf.0.lock().unwrap().len(), 1, "each body took what the one before had left");
        let Sealed::Memory(memory) = body(b'b', 100_000).await else { panic!() };
        assert!(memory == vec![b'b'; 100_000] && memory.capacity() >= 300_000);
        for _ in 0..=SHELVED {
            shelf.keep(Sealed::Memory(Vec::with_capacity(LARGE)));
        }
        assert_eq!(shelf.0.lock().unwrap().len(), SHELVED);
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_told() {
        let mut body = Body::new(10, &Path::new("/nonexistent").into(), &Arc::default());
        body.push(&[b'x'; 11]);
        body.settle().await.unwrap();
        body.push(&vec![b'x'; BLOCK + 1]);
        assert!(body.settle().await.is_err());
        let mut body = Body::new(10, &Path::new("/nonexistent").into(), &Arc::default());
        body.push(&[b'x'; 11]);
        body.settle().await.unwrap();
        assert!(body.seal().await.is_err());
    }

    #[tokio::test]
    async fn nothing_remains_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mut body = Body::new(10, &folder.path().into(), &Arc::default());
        body.push(&[b'x'; 11]);
        body.settle().await.unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
