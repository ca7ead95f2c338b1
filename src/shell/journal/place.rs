//! Places that are written to: what stands there already, whole files, and a lock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::base::hex::hex;

/// Why a place cannot be written to.
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
    /// There is no more room.
    #[error(
        "{path}: there is no room to write it ({error}); what is finished is kept: make room, then give the same command with --resume"
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// Another run writes there.
    #[error(
        "{path}: another run is writing here; wait for it, or choose another folder with --out"
    )]
    Busy {
        /// The journal or lock.
        path: PathBuf,
    },
    /// Something that is no file stands there.
    #[error("{path}: is {kind} where a file is to be written; move it away, or name another place")]
    NoFile {
        /// The place.
        path: PathBuf,
        /// What stands there.
        kind: &'static str,
    },
    /// An unfinished training of something else.
    #[error(
        "{path}: belongs to another training; name another folder with --out, or say --force without --resume to start again"
    )]
    Other {
        /// Its state.
        path: PathBuf,
    },
}

pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> JournalError + '_ {
    move |error| {
        let path = path.to_owned();
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                JournalError::Full { path, error }
            }
            _ => JournalError::Io { path, error },
        }
    }
}

/// What stands at a path if it is neither nothing nor a regular file; links are not followed.
#[must_use]
pub fn no_file(path: &Path) -> Option<&'static str> {
    let kind = fs::symlink_metadata(path).ok()?.file_type();
    match (kind.is_file(), kind.is_dir(), kind.is_symlink()) {
        (true, _, _) => None,
        (_, true, _) => Some("a folder"),
        (_, _, true) => Some("a symbolic link"),
        _ => Some("a device, a pipe or a socket"),
    }
}

/// What stands on the way to a folder, or in its place, and is none.
#[must_use]
pub fn no_folder(folder: &Path) -> Option<(PathBuf, &'static str)> {
    let above = folder
        .ancestors()
        .find(|above| fs::symlink_metadata(above).is_ok())?;
    let kind = match fs::metadata(above) {
        Ok(found) if found.is_dir() => return None,
        Ok(found) if found.is_file() => "is a file, not a folder",
        Ok(_) => "is a device, a pipe or a socket, not a folder",
        Err(_) => "is a symbolic link that leads nowhere",
    };
    Some((above.to_owned(), kind))
}

/// Whether two paths are one file: by a hard or symbolic link, too.
#[must_use]
pub fn same_file(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    let of = |path: &Path| {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(path).map(|found| (found.dev(), found.ino()))
    };
    #[cfg(not(unix))]
    let of = fs::canonicalize::<&Path>;
    matches!((of(one), of(other)), (Ok(one), Ok(other)) if one == other)
}

/// Whether an open file is the one that lies at a path.
pub(super) fn lies_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let of = |found: fs::Metadata| (found.dev(), found.ino());
        let (own, other) = (file.metadata().map(of), fs::metadata(path).map(of));
        matches!((own, other), (Ok(own), Ok(other)) if own == other)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

const PART: (&str, &str) = (".topkima-", ".part");

/// Whether a file is called like one that is half written.
#[must_use]
pub fn is_part(name: &str) -> bool {
    name.starts_with(PART.0) && name.ends_with(PART.1)
}

/// Files of a folder that would be written over though nothing says that this program wrote them; `why` says it of
/// each name.
pub fn foreign<'a>(
    folder: &Path,
    names: impl IntoIterator<Item = &'a String>,
    why: impl Fn(&str) -> &'static str,
) -> Vec<String> {
    let there = names.into_iter().map(|name| (name, folder.join(name)));
    there
        .filter(|(_, path)| path.exists())
        .map(|(name, path)| {
            format!(
                "{} is there, and {}: move it away, or name another folder with --out",
                path.display(),
                why(name)
            )
        })
        .collect()
}

/// The unfinished file beside `path`, under a name that nobody else gives and that is never too long.
fn part_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let hash = hex(&Sha256::digest(name)[..8]);
    let own = std::process::id();
    path.with_file_name(format!("{}{own}-{hash}{}", PART.0, PART.1))
}

/// A new file; one that a killed run of the same number left makes way.
fn new_file(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) {
        fs::remove_file(path)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Writes a file beside its place and moves it there, so that nobody sees half of it.
///
/// # Errors
/// Something that is no file stands there, or what the system says.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), JournalError> {
    if let Some(kind) = no_file(path) {
        let path = path.to_owned();
        return Err(JournalError::NoFile { path, kind });
    }
    let beside = part_of(path);
    let mut file = new_file(&beside).map_err(io(path))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|error| {
            let _ = fs::remove_file(&beside);
            io(path)(error)
        })
}

/// Finds out whether files can be made beside `path`.
///
/// # Errors
/// What the system says.
pub fn probe(path: &Path) -> Result<(), JournalError> {
    let beside = part_of(path);
    let folder = path.parent().unwrap_or(path);
    new_file(&beside)
        .and_then(|_| fs::remove_file(&beside))
        .map_err(io(folder))
}

/// Removes what killed runs left half written in a folder that is held.
pub fn clean(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(is_part) && no_file(&entry.path()).is_none() {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Holds an open file for this process alone.
pub(super) fn lock(path: &Path, file: &File) -> Result<(), JournalError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(JournalError::Busy {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(io(path)(error)),
    }
}

const LOCK: &str = ".topkima-lock";

/// Holds a folder, made if need be, until the file is dropped: two trainings never write to one.
///
/// # Errors
/// A folder that cannot be written, another training in it.
pub fn hold(folder: &Path) -> Result<File, JournalError> {
    fs::create_dir_all(folder).map_err(io(folder))?;
    let path = folder.join(LOCK);
    if let Some(kind) = no_file(&path) {
        return Err(JournalError::NoFile { path, kind });
    }
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(io(&path))?;
    lock(&path, &file)?;
    clean(folder);
    probe(&folder.join("rows.csv"))?;
    Ok(file)
}

/// Gives a held folder free.
pub fn unhold(folder: &Path, held: File) {
    let _ = fs::remove_file(folder.join(LOCK));
    drop(held);
}
