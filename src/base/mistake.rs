//! What is wrong with a parameter, in words a reader can act on.
//!
//! A `check()` gathers every [`Mistake`] of its room instead of stopping at the first; the shell
//! adds the path of the key and the name of the file.

use std::fmt;

/// One thing that is wrong: the key, what it holds, what is allowed, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Path of the key from the room that checks it, `ramp.bits`; empty for the whole table.
    pub key: String,
    /// What the key holds; empty where nothing stands.
    pub value: String,
    /// What is allowed there, or why the value is not.
    pub problem: String,
    /// What to do about it.
    pub fix: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{}", self.key)?;
            if !self.value.is_empty() {
                write!(f, " = {}", self.value)?;
            }
            write!(f, ": ")?;
        }
        write!(f, "{}", self.problem)?;
        if !self.fix.is_empty() {
            write!(f, "; {}", self.fix)?;
        }
        Ok(())
    }
}

/// All mistakes found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl Mistakes {
    /// Nothing wrong yet.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Records a mistake.
    pub fn add(
        &mut self,
        key: &str,
        value: impl fmt::Display,
        problem: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.0.push(Mistake {
            key: key.to_owned(),
            value: value.to_string(),
            problem: problem.into(),
            fix: fix.into(),
        });
    }

    /// Records a mistake unless `holds`. NaN compares as false, so it is refused by any bound
    /// written as what must hold.
    pub fn require(
        &mut self,
        holds: bool,
        key: &str,
        value: impl fmt::Display,
        problem: impl Into<String>,
        fix: impl Into<String>,
    ) {
        if !holds {
            self.add(key, value, problem, fix);
        }
    }

    /// Keeps the value of an inner check, or its mistakes with `key` before theirs.
    pub fn keep<T>(&mut self, key: &str, checked: Result<T, Mistakes>) -> Option<T> {
        match checked {
            Ok(value) => Some(value),
            Err(mistakes) => {
                self.0.extend(mistakes.within(key).0);
                None
            }
        }
    }

    /// The same mistakes seen from one level above: `bits` becomes `ramp.bits`.
    #[must_use]
    pub fn within(mut self, key: &str) -> Self {
        for mistake in &mut self.0 {
            mistake.key = match (key.is_empty(), mistake.key.is_empty()) {
                (true, _) => std::mem::take(&mut mistake.key),
                (false, true) => key.to_owned(),
                (false, false) => format!("{key}.{}", mistake.key),
            };
        }
        self
    }

    /// The value if nothing was wrong.
    ///
    /// # Errors
    /// All mistakes recorded so far.
    pub fn or<T>(self, value: impl FnOnce() -> T) -> Result<T, Mistakes> {
        if self.0.is_empty() {
            Ok(value())
        } else {
            Err(self)
        }
    }
}
