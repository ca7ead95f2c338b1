//! Writing so that a file appears whole or not at all, and a journal to resume from.
//!
//! A run appends each finished group to `journal.jsonl` in its folder; the first line names what is
//! run. The journal is locked while the run goes on and removed when the results are written.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Serialize, de::DeserializeOwned};

/// Why a run's folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The system refused.
    #[error("{path}: cannot be written ({error}); name another place, or mend its permissions")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// Another run writes there.
    #[error(
        "{path}: another run is writing here; wait for it, or choose another folder with --out"
    )]
    Busy {
        /// The journal.
        path: PathBuf,
    },
    /// The journal belongs to something else.
    #[error(
        "{path}: the journal belongs to another experiment, version or input; run without --resume to start again"
    )]
    Other {
        /// The journal.
        path: PathBuf,
    },
    /// There is nothing to resume.
    #[error("{path}: there is no unfinished run to resume; run without --resume")]
    Nothing {
        /// The journal.
        path: PathBuf,
    },
}

fn io(path: &Path) -> impl FnOnce(io::Error) -> JournalError + '_ {
    move |error| JournalError::Io {
        path: path.to_owned(),
        error,
    }
}

/// Writes a file beside its place and moves it there, so that nobody sees half of it.
///
/// # Errors
/// What the system says.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), JournalError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = PathBuf::from(beside);
    let written = File::create(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|error| {
            let _ = fs::remove_file(&beside);
            io(path)(error)
        })
}

/// Holds a folder, made if need be, until the file is dropped: two trainings never write to one.
///
/// # Errors
/// A folder that cannot be written, another training in it.
pub fn hold(folder: &Path) -> Result<File, JournalError> {
    fs::create_dir_all(folder).map_err(io(folder))?;
    let path = folder.join("lock");
    let file = File::create(&path).map_err(io(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::Busy { path }),
        Err(TryLockError::Error(error)) => Err(io(&path)(error)),
    }
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the journal of a run in `folder`, made if need be. With `resume` the entries of an
    /// unfinished run with the same `title` are given back; a last line that was cut off is dropped.
    ///
    /// # Errors
    /// A folder that cannot be written, another run in it, a journal of something else.
    pub fn open<T: DeserializeOwned>(
        folder: &Path,
        title: &str,
        resume: bool,
    ) -> Result<(Self, Vec<T>), JournalError> {
        let path = folder.join("journal.jsonl");
        if resume && !path.exists() {
            return Err(JournalError::Nothing { path });
        }
        fs::create_dir_all(folder).map_err(io(folder))?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Busy { path }),
            Err(TryLockError::Error(error)) => return Err(io(&path)(error)),
        }
        let title = serde_json::to_string(title).unwrap_or_default();
        let mut journal = Self { path, file };
        let mut entries = Vec::new();
        if resume {
            let mut kept = 0_u64;
            let mut reader = BufReader::new(&journal.file);
            for number in 0.. {
                let mut line = Vec::new();
                let read = reader.read_until(b'\n', &mut line);
                let length = read.map_err(io(&journal.path))?;
                // A line without its end was cut off, even where nothing else of it is missing.
                let Some(line) = line.strip_suffix(b"\n") else {
                    break;
                };
                if number == 0 {
                    if line != title.as_bytes() {
                        return Err(JournalError::Other { path: journal.path });
                    }
                } else if let Ok(entry) = serde_json::from_slice(line) {
                    entries.push(entry);
                } else {
                    break;
                }
                kept += length as u64;
            }
            if kept == 0 {
                return Err(JournalError::Other { path: journal.path });
            }
            journal.file.set_len(kept).map_err(io(&journal.path))?;
            io::Seek::seek(&mut journal.file, io::SeekFrom::End(0)).map_err(io(&journal.path))?;
        } else {
            journal.file.set_len(0).map_err(io(&journal.path))?;
            writeln!(journal.file, "{title}").map_err(io(&journal.path))?;
        }
        Ok((journal, entries))
    }

    /// Appends an entry.
    ///
    /// # Errors
    /// What the system says.
    pub fn append<T: Serialize>(&mut self, entry: &T) -> Result<(), JournalError> {
        let mut line = serde_json::to_vec(entry).unwrap_or_default();
        line.push(b'\n');
        self.file
            .write_all(&line)
            .and_then(|()| self.file.flush())
            .map_err(io(&self.path))
    }

    /// Removes the journal: the run is done.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(self) -> Result<(), JournalError> {
        fs::remove_file(&self.path).map_err(io(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_off_line_is_dropped_and_the_rest_resumes() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, none) = Journal::open::<u32>(folder.path(), "title", false).unwrap();
        assert!(none.is_empty());
        journal.append(&1).unwrap();
        journal.append(&2).unwrap();
        journal.file.write_all(b"[3").unwrap();
        drop(journal);
        let (mut journal, entries) = Journal::open::<u32>(folder.path(), "title", true).unwrap();
        assert_eq!(entries, [1, 2]);
        journal.append(&7).unwrap();
        drop(journal);
        assert_eq!(
            Journal::open::<u32>(folder.path(), "title", true)
                .unwrap()
                .1,
            [1, 2, 7]
        );
    }

    #[test]
    fn a_journal_of_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let nothing = Journal::open::<u32>(folder.path(), "a", true);
        assert!(matches!(nothing, Err(JournalError::Nothing { .. })));
        drop(Journal::open::<u32>(folder.path(), "a", false).unwrap());
        assert!(matches!(
            Journal::open::<u32>(folder.path(), "b", true),
            Err(JournalError::Other { .. })
        ));
        let (held, _) = Journal::open::<u32>(folder.path(), "a", false).unwrap();
        assert!(matches!(
            Journal::open::<u32>(folder.path(), "a", false),
            Err(JournalError::Busy { .. })
        ));
        drop(held);
    }
}
