//! The journal of a run: a head that says what is run, then a line for each finished group.
//!
//! A line is `["<checksum>",<what it holds>]`. The checksum is bound to the whole title, so a line
//! that was damaged, or belongs to another run, is seen. The file is locked while the run goes on and
//! removed when the results are written.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::place::{JournalError, io, lies_at, lock, no_file};
use super::title::Title;
use crate::base::hex::hex;

/// First line of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// What is run.
    pub title: Title,
    /// How many groups of cases it has.
    pub groups: usize,
}

/// What the checksum of a head is bound to.
const HEAD: &str = "topkima journal";
/// Hexadecimal digits of a checksum.
const DIGITS: usize = 16;

fn checksum(key: &str, held: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(key);
    hash.update(held);
    hex(&hash.finalize()[..DIGITS / 2])
}

fn sealed<T: Serialize>(key: &str, held: &T) -> Vec<u8> {
    let held = serde_json::to_vec(held).unwrap_or_default();
    let mut line = format!("[\"{}\",", checksum(key, &held)).into_bytes();
    line.extend(held);
    line.extend(b"]\n");
    line
}

/// What a line holds, if it is whole.
fn opened<'a>(key: &str, line: &'a [u8]) -> Option<&'a [u8]> {
    let (sum, rest) = line.strip_prefix(b"[\"")?.split_at_checked(DIGITS)?;
    let held = rest.strip_prefix(b"\",")?.strip_suffix(b"]")?;
    (checksum(key, held).as_bytes() == sum).then_some(held)
}

/// A journal that lies in a folder, held so that no other run goes on with it.
#[derive(Debug)]
pub struct Found {
    path: PathBuf,
    file: File,
    bytes: Vec<u8>,
}

/// What a journal is to a run.
#[derive(Debug, PartialEq, Eq)]
pub enum Lies {
    /// It holds no group of anything.
    Nothing,
    /// It is this run's.
    Own,
    /// It is another run's, or cannot be told.
    Other(Option<Head>),
}

/// What is whole in a journal.
#[derive(Debug)]
pub struct Kept<T> {
    /// Numbers of the lines, counted from 1, and what they hold.
    pub lines: Vec<(usize, T)>,
    /// Numbers of the damaged ones.
    pub damaged: Vec<usize>,
}

impl Found {
    /// The journal in a folder, if there is one.
    ///
    /// # Errors
    /// Another run holds it, or what the system says.
    pub fn in_folder(folder: &Path) -> Result<Option<Self>, JournalError> {
        let path = path_in(folder);
        if fs::symlink_metadata(&path).is_err() {
            return Ok(None);
        }
        if let Some(kind) = no_file(&path) {
            return Err(JournalError::NoFile { path, kind });
        }
        let opened = OpenOptions::new().read(true).write(true).open(&path);
        let mut file = opened.map_err(io(&path))?;
        hold(&path, &file)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io(&path))?;
        Ok(Some(Self { path, file, bytes }))
    }

    /// Whole lines; one without its end was cut off, even where nothing else of it is missing.
    fn lines(&self) -> Vec<&[u8]> {
        let mut lines: Vec<&[u8]> = self.bytes.split(|byte| *byte == b'\n').collect();
        lines.pop();
        lines
    }

    fn head(&self) -> Option<Head> {
        let held = opened(HEAD, self.lines().first()?)?;
        serde_json::from_slice(held).ok()
    }

    /// What it is to a run that would begin with `own`.
    #[must_use]
    pub fn lies(&self, own: &Head) -> Lies {
        let lines = self.lines();
        match self.head() {
            Some(_) if lines.len() == 1 => Lies::Nothing,
            Some(head) if head.title == own.title => Lies::Own,
            Some(head) => Lies::Other(Some(head)),
            // A head that was cut off while it was written.
            None if self.bytes.is_empty() || lines.is_empty() && self.bytes[0] == b'[' => {
                Lies::Nothing
            }
            None if self.finished(&own.title) > 0 || self.begins_like(own) => Lies::Own,
            None => Lies::Other(None),
        }
    }

    /// Whether the head is this one but for a few damaged bytes.
    fn begins_like(&self, own: &Head) -> bool {
        const FEW: usize = 8;
        let line = sealed(HEAD, own);
        let pairs = line.iter().zip(&self.bytes);
        self.bytes.len() >= line.len() && pairs.filter(|(own, held)| own != held).count() <= FEW
    }

    /// How many groups are finished under a title.
    #[must_use]
    pub fn finished(&self, title: &Title) -> usize {
        let key = title.key();
        let lines = self.lines();
        let held: BTreeSet<&[u8]> = lines.iter().filter_map(|line| opened(&key, line)).collect();
        held.len()
    }

    /// What is whole in it under a title, line by line.
    #[must_use]
    pub fn kept<T: DeserializeOwned>(&self, title: &Title) -> Kept<T> {
        let mut kept = Kept {
            lines: Vec::new(),
            damaged: Vec::new(),
        };
        let (key, has_head) = (title.key(), self.head().is_some());
        for (at, line) in self.lines().into_iter().enumerate() {
            let held = opened(&key, line).and_then(|held| serde_json::from_slice(held).ok());
            match held {
                Some(held) => kept.lines.push((at + 1, held)),
                None if at == 0 && has_head => {}
                None => kept.damaged.push(at + 1),
            }
        }
        kept
    }
}

fn path_in(folder: &Path) -> PathBuf {
    folder.join("journal.jsonl")
}

/// Locks a journal; one that was removed before it was locked belonged to a run that has just ended.
fn hold(path: &Path, file: &File) -> Result<(), JournalError> {
    lock(path, file)?;
    if lies_at(file, path) {
        return Ok(());
    }
    let path = path.to_owned();
    Err(JournalError::Busy { path })
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    key: String,
    length: u64,
}

impl Journal {
    /// Begins the journal of a run in a folder that is there; what was found in it is thrown away.
    ///
    /// # Errors
    /// Another run in it, or what the system says.
    pub fn begin(folder: &Path, head: &Head, found: Option<Found>) -> Result<Self, JournalError> {
        let path = path_in(folder);
        let file = match found {
            Some(found) => found.file,
            None => {
                let new = OpenOptions::new()
                    .read(true)
                    .write(true)
                    .create_new(true)
                    .open(&path);
                match new {
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                        return Err(JournalError::Busy { path });
                    }
                    new => new.map_err(io(&path))?,
                }
            }
        };
        hold(&path, &file)?;
        file.set_len(0).map_err(io(&path))?;
        let mut journal = Self {
            path,
            file,
            key: HEAD.to_owned(),
            length: 0,
        };
        journal.append(head)?;
        journal.key = head.title.key();
        Ok(journal)
    }

    /// Goes on with a journal behind its last whole line.
    ///
    /// # Errors
    /// What the system says.
    pub fn go_on(found: Found, title: &Title) -> Result<Self, JournalError> {
        let whole = found.bytes.iter().rposition(|byte| *byte == b'\n');
        let length = whole.map_or(0, |at| at as u64 + 1);
        found.file.set_len(length).map_err(io(&found.path))?;
        Ok(Self {
            path: found.path,
            file: found.file,
            key: title.key(),
            length,
        })
    }

    /// Appends a line, or leaves the journal as it was.
    ///
    /// # Errors
    /// What the system says.
    pub fn append<T: Serialize>(&mut self, held: &T) -> Result<(), JournalError> {
        let line = sealed(&self.key, held);
        let written = self
            .file
            .seek(SeekFrom::Start(self.length))
            .and_then(|_| self.file.write_all(&line));
        if let Err(error) = written {
            let _ = self.file.set_len(self.length);
            return Err(io(&self.path)(error));
        }
        self.length += line.len() as u64;
        Ok(())
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
    use std::collections::BTreeMap;

    fn head(resolved: &str) -> Head {
        Head {
            title: Title {
                version: "1".to_owned(),
                breakdown: false,
                inputs: BTreeMap::new(),
                resolved: resolved.to_owned(),
            },
            groups: 3,
        }
    }

    fn found(folder: &Path) -> Found {
        Found::in_folder(folder).unwrap().unwrap()
    }

    fn held(found: &Found, head: &Head) -> Vec<u32> {
        let kept = found.kept(&head.title);
        kept.lines.into_iter().map(|(_, held)| held).collect()
    }

    #[test]
    fn a_cut_off_line_is_dropped_and_the_rest_resumes() {
        let folder = tempfile::tempdir().unwrap();
        let head = head("a = 1");
        assert!(Found::in_folder(folder.path()).unwrap().is_none());
        let mut journal = Journal::begin(folder.path(), &head, None).unwrap();
        journal.append(&1).unwrap();
        journal.append(&2).unwrap();
        journal.file.write_all(b"[3").unwrap();
        drop(journal);
        let again = found(folder.path());
        assert_eq!(again.lies(&head), Lies::Own);
        assert_eq!(
            (held(&again, &head), again.finished(&head.title)),
            (vec![1, 2], 2)
        );
        assert!(again.kept::<u32>(&head.title).damaged.is_empty());
        Journal::go_on(again, &head.title)
            .unwrap()
            .append(&7)
            .unwrap();
        assert_eq!(held(&found(folder.path()), &head), [1, 2, 7]);
    }

    #[test]
    fn a_journal_of_something_else_is_told_with_its_head() {
        let folder = tempfile::tempdir().unwrap();
        let (own, other) = (head("a = 1"), head("a = 2"));
        drop(Journal::begin(folder.path(), &other, None).unwrap());
        // Nothing is lost with a journal that holds no group.
        assert_eq!(found(folder.path()).lies(&own), Lies::Nothing);
        let again = found(folder.path());
        let mut journal = Journal::begin(folder.path(), &other, Some(again)).unwrap();
        journal.append(&1).unwrap();
        assert!(matches!(
            Found::in_folder(folder.path()),
            Err(JournalError::Busy { .. })
        ));
        drop(journal);
        let lies = found(folder.path()).lies(&own);
        assert_eq!(lies, Lies::Other(Some(other)));
    }

    #[test]
    fn no_flipped_byte_is_taken_for_a_value() {
        let folder = tempfile::tempdir().unwrap();
        let head = head("a = 1");
        let mut journal = Journal::begin(folder.path(), &head, None).unwrap();
        for value in 10..13 {
            journal.append(&value).unwrap();
        }
        drop(journal);
        let path = folder.path().join("journal.jsonl");
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            for mask in [1, 0x10, 0x80, whole[at] ^ b'\n'] {
                let mut bytes = whole.clone();
                bytes[at] ^= mask;
                fs::write(&path, &bytes).unwrap();
                let again = found(folder.path());
                if mask == 0 {
                    continue;
                }
                assert_eq!(again.lies(&head), Lies::Own, "byte {at}");
                let kept = again.kept::<u32>(&head.title);
                let values: Vec<u32> = kept.lines.iter().map(|(_, held)| *held).collect();
                assert!(
                    values.iter().all(|value| (10..13).contains(value)),
                    "byte {at}"
                );
                assert!(!values.is_empty() && values.is_sorted(), "byte {at}");
                let last = at + 1 == whole.len();
                assert!(last || !kept.damaged.is_empty(), "byte {at} is not named");
            }
        }
    }
}
