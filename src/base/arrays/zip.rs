//! The zip archives that numpy writes and reads: entries that are stored or deflated, no more.
//!
//! Format: APPNOTE.TXT 6.3.10 of PKWARE. An entry is found by the directory at the end of the archive and nowhere
//! else; its sizes are known from there before a byte of it is unpacked, its values are held against its checksum. Time
//! and memory to open an archive go with the bytes of its directory.

use std::collections::BTreeMap;
use std::io::{self, Read, Take};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

const ENTRY: &[u8; 4] = b"PK\x03\x04";
const LISTED: &[u8; 4] = b"PK\x01\x02";
const END: &[u8; 4] = b"PK\x05\x06";
const END_64: &[u8; 4] = b"PK\x06\x06";
const LOCATOR_64: &[u8; 4] = b"PK\x06\x07";

/// Bytes of each of them without what has a length of its own.
const ENTRY_BYTES: usize = 30;
const LISTED_BYTES: usize = 46;
const END_BYTES: usize = 22;
const LOCATOR_64_BYTES: usize = 20;

/// Id of the part of an extra field that holds sizes of 64 bits.
const SIZES_64: u16 = 1;
/// First of January 1980 at midnight: the time of day would make the bytes differ from run to run.
const STAMP: [u8; 4] = [0, 0, 0x21, 0];

/// An archive's directory.
#[derive(Debug)]
pub(super) struct Zip<'a> {
    bytes: &'a [u8],
    entries: BTreeMap<String, Entry>,
}

/// What the directory says of an entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    /// Bytes when unpacked.
    pub size: u64,
    at: u64,
}

/// The number at `at` of a header, if it is there.
fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// From byte `at` on, if it is inside.
fn from(bytes: &[u8], at: u64) -> Option<&[u8]> {
    bytes.get(usize::try_from(at).ok()?..)
}

impl<'a> Zip<'a> {
    /// Reads the directory.
    ///
    /// # Errors
    /// What is wrong with it, in words that follow "not a whole .npz file: ".
    pub fn open(bytes: &'a [u8]) -> Result<Self, String> {
        if !bytes.starts_with(b"PK") {
            return Err("the bytes do not begin with `PK`".to_owned());
        }
        let damaged = || "its list of arrays, at the end, is damaged or cut off".to_owned();
        let (count, mut rest) = directory(bytes).ok_or_else(damaged)?;
        let most = (rest.len() / LISTED_BYTES) as u64;
        if count > most {
            return Err(format!(
                "it says it has {count} entries, and its list has room for {most}"
            ));
        }
        let mut entries = BTreeMap::new();
        for _ in 0..count {
            let (name, entry, length) = listed(rest).ok_or_else(damaged)?;
            // numpy takes the last and says nothing; which one was meant is not known.
            if entries.contains_key(&name) {
                return Err(format!(
                    "it holds two entries named `{}`",
                    name.escape_debug()
                ));
            }
            entries.insert(name, entry);
            rest = &rest[length..];
        }
        Ok(Self { bytes, entries })
    }

    /// Names of the entries, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// What the directory says of an entry.
    pub fn entry(&self, name: &str) -> Option<Entry> {
        self.entries.get(name).copied()
    }

    /// An entry's bytes, to be unpacked as they are read.
    ///
    /// # Errors
    /// Why it is not read.
    pub fn unpack(&self, name: &str, entry: Entry) -> Result<Unpacked<'a>, String> {
        if entry.flags & 1 == 1 {
            return Err("it is encrypted, and no password is ever asked for".to_owned());
        }
        let packed = self
            .packed(name, entry)
            .ok_or("its place in the archive is damaged")?;
        let from = match entry.method {
            0 if entry.packed == entry.size => Packed::Stored(packed),
            0 => return Err("its two sizes differ, though it is not compressed".to_owned()),
            8 => Packed::Deflated(DeflateDecoder::new(packed).take(entry.size.saturating_add(1))),
            other => {
                return Err(format!(
                    "it is compressed by method {other}, and 0 (stored) and 8 (deflated) are taken"
                ));
            }
        };
        Ok(Unpacked {
            from,
            crc: Crc::new(),
            read: 0,
            entry,
        })
    }

    fn packed(&self, name: &str, entry: Entry) -> Option<&'a [u8]> {
        let header = from(self.bytes, entry.at)?;
        let length = usize::from(u16_at(header, 26)?);
        let named = header.get(ENTRY_BYTES..)?.get(..length)?;
        if !header.starts_with(ENTRY) || String::from_utf8_lossy(named) != name {
            return None;
        }
        let start = ENTRY_BYTES + length + usize::from(u16_at(header, 28)?);
        header
            .get(start..)?
            .get(..usize::try_from(entry.packed).ok()?)
    }
}

/// How many entries the directory counts, and its bytes.
fn directory(bytes: &[u8]) -> Option<(u64, &[u8])> {
    // A comment of at most 2^16 - 1 bytes may follow the record at the end.
    let last = bytes.len().checked_sub(END_BYTES)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    let end = (first..=last).rev().find(|at| {
        bytes[*at..].starts_with(END)
            && u16_at(bytes, at + 20).is_some_and(|comment| usize::from(comment) == last - at)
    })?;
    let record = &bytes[end..];
    let (mut count, mut length, mut start) = (
        u64::from(u16_at(record, 10)?),
        u64::from(u32_at(record, 12)?),
        u64::from(u32_at(record, 16)?),
    );
    let locator = end
        .checked_sub(LOCATOR_64_BYTES)
        .map(|at| &bytes[at..])
        .filter(|locator| locator.starts_with(LOCATOR_64));
    if let Some(locator) = locator {
        let record = from(bytes, u64_at(locator, 8)?)?;
        if !record.starts_with(END_64) {
            return None;
        }
        count = u64_at(record, 32)?;
        length = u64_at(record, 40)?;
        start = u64_at(record, 48)?;
    }
    let list = from(&bytes[..end], start)?.get(..usize::try_from(length).ok()?)?;
    Some((count, list))
}

/// The first entry of a list: its name, what is said of it, and how many bytes it takes.
fn listed(list: &[u8]) -> Option<(String, Entry, usize)> {
    if !list.starts_with(LISTED) {
        return None;
    }
    let lengths = [28, 30, 32].map(|at| u16_at(list, at).map(usize::from));
    let [Some(name), Some(extra), Some(comment)] = lengths else {
        return None;
    };
    let [mut size, mut packed, mut at] =
        [u32_at(list, 24)?, u32_at(list, 20)?, u32_at(list, 42)?].map(u64::from);
    let mut fields = list
        .get(LISTED_BYTES + name..)?
        .get(..extra)
        .filter(|_| [size, packed, at].contains(&u64::from(u32::MAX)))
        .unwrap_or_default();
    while let (Some(id), Some(length)) = (u16_at(fields, 0), u16_at(fields, 2)) {
        let field = fields.get(4..)?.get(..usize::from(length))?;
        if id == SIZES_64 {
            let full = |number: &&mut u64| **number == u64::from(u32::MAX);
            let numbers = [&mut size, &mut packed, &mut at].into_iter().filter(full);
            for (place, number) in numbers.enumerate() {
                *number = u64_at(field, 8 * place)?;
            }
        }
        fields = &fields[4 + usize::from(length)..];
    }
    let text = list.get(LISTED_BYTES..)?.get(..name)?;
    let length = LISTED_BYTES + name + extra + comment;
    list.get(..length)?;
    let entry = Entry {
        flags: u16_at(list, 8)?,
        method: u16_at(list, 10)?,
        crc: u32_at(list, 16)?,
        packed,
        size,
        at,
    };
    Some((String::from_utf8_lossy(text).into_owned(), entry, length))
}

/// The bytes of an entry. Its end is an error if their number or their checksum is not what the directory says.
#[derive(Debug)]
pub(super) struct Unpacked<'a> {
    from: Packed<'a>,
    crc: Crc,
    read: u64,
    entry: Entry,
}

#[derive(Debug)]
enum Packed<'a> {
    Stored(&'a [u8]),
    Deflated(Take<DeflateDecoder<&'a [u8]>>),
}

impl Read for Unpacked<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.from {
            Packed::Stored(bytes) => bytes.read(to)?,
            Packed::Deflated(bytes) => bytes.read(to)?,
        };
        self.crc.update(&to[..count]);
        self.read += count as u64;
        let ended = count == 0 && !to.is_empty();
        if self.read > self.entry.size || ended && self.read < self.entry.size {
            return Err(io::Error::other(
                "it is not as long as the archive's list says",
            ));
        }
        if ended && self.crc.sum() != self.entry.crc {
            return Err(io::Error::other("its checksum is wrong"));
        }
        Ok(count)
    }
}

/// An archive in the making, its entries stored as they are.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    list: Vec<u8>,
    count: u16,
}

impl Writer {
    /// Appends an entry.
    ///
    /// # Errors
    /// What does not fit the 16 and 32 bits of a zip's numbers.
    pub fn add(&mut self, name: &str, content: &[u8]) -> Result<(), &'static str> {
        let long = "the archive grows beyond 4 GiB";
        let at = u32::try_from(self.bytes.len()).map_err(|_| long)?;
        let size = u32::try_from(content.len()).map_err(|_| long)?;
        let length = u16::try_from(name.len()).map_err(|_| "its name is too long")?;
        self.count = self
            .count
            .checked_add(1)
            .ok_or("there are more than 65535")?;
        let mut crc = Crc::new();
        crc.update(content);
        // Version 2.0; names are UTF-8; stored.
        let mut common = vec![20, 0, 0, 8, 0, 0];
        common.extend(STAMP);
        common.extend(crc.sum().to_le_bytes());
        common.extend(size.to_le_bytes());
        common.extend(size.to_le_bytes());
        common.extend(length.to_le_bytes());
        common.extend([0, 0]);
        self.bytes.extend(ENTRY);
        self.bytes.extend(&common);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(content);
        self.list.extend(LISTED);
        self.list.extend([20, 0]);
        self.list.extend(&common);
        self.list.extend([0; 10]);
        self.list.extend(at.to_le_bytes());
        self.list.extend(name.as_bytes());
        Ok(())
    }

    /// The bytes of the archive.
    ///
    /// # Errors
    /// An archive beyond 4 GiB.
    pub fn finish(mut self) -> Result<Vec<u8>, &'static str> {
        let long = "the archive grows beyond 4 GiB";
        let at = u32::try_from(self.bytes.len()).map_err(|_| long)?;
        let length = u32::try_from(self.list.len()).map_err(|_| long)?;
        self.bytes.extend(&self.list);
        self.bytes.extend(END);
        self.bytes.extend([0; 4]);
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(at.to_le_bytes());
        self.bytes.extend([0, 0]);
        Ok(self.bytes)
    }
}
