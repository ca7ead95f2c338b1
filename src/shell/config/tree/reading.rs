//! A typed reading of a tree that finds every mistake: what is wrong is taken out, or replaced by a
//! stand-in where something has to stand, and the rest is read again.

use std::collections::VecDeque;

use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use toml::{Table, Value};

use super::fault::{Fault, plain, suggest};
use super::{Place, Step, at, at_mut, show, shown};
use crate::base::mistake::{Mistake, Mistakes};

/// What is said of a key that nobody reads.
pub const UNKNOWN: &str = "is not a key here";

/// A tree that was read.
#[derive(Debug)]
pub struct Reading<T> {
    /// The value, stand-ins in the place of what is wrong; none where too little is left.
    pub value: Option<T>,
    /// Everything that was wrong.
    pub mistakes: Mistakes,
    /// The tree without what was wrong.
    pub mended: Table,
    /// Keys whose own value is not known: what a check says of them is not the reader's doing.
    pub lost: Vec<String>,
}

impl<T> Reading<T> {
    /// A check's mistakes without those that come from a lost key.
    #[must_use]
    pub fn believed(&self, mut mistakes: Mistakes) -> Mistakes {
        mistakes.0.retain(|mistake| {
            !self
                .lost
                .iter()
                .any(|lost| is_within(lost, &mistake.key) || is_within(&mistake.key, lost))
        });
        mistakes
    }
}

/// Whether a shown path is another one or lies below it.
#[must_use]
pub fn is_within(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// A value that stands where something must and nothing right does.
struct StandIn {
    path: Vec<Step>,
    /// What to try next.
    next: VecDeque<Value>,
    hinted: usize,
}

impl StandIn {
    fn new(path: Vec<Step>) -> Self {
        let table = |key: &str| {
            let mut table = Table::new();
            table.insert(key.to_owned(), Value::Table(Table::new()));
            Value::Table(table)
        };
        Self {
            path,
            next: VecDeque::from([
                Value::Table(Table::new()),
                // No choice is called so: the reader's answer lists those that are.
                table("?"),
                Value::Integer(1),
                Value::Array(Vec::new()),
                Value::String("1".to_owned()),
                Value::Float(1.0),
                Value::Boolean(false),
            ]),
            hinted: 0,
        }
    }

    /// Puts what the reader's answer suggests before everything else.
    fn hint(&mut self, values: impl IntoIterator<Item = Value>) {
        if self.hinted < 3 {
            self.hinted += 1;
            for (at, value) in values.into_iter().enumerate() {
                self.next.insert(at, value);
            }
        }
    }
}

/// Reads a tree into a type and goes on after each mistake, so that all of them are found.
#[must_use]
pub fn read<T: DeserializeOwned>(tree: &Table) -> Reading<T> {
    const MOST_ROUNDS: usize = 2000;
    // A sweep reads thousands of trees in which nothing is wrong: no path is kept for those.
    if let Ok(value) = T::deserialize(Value::Table(tree.clone())) {
        return Reading {
            value: Some(value),
            mistakes: Mistakes::none(),
            mended: tree.clone(),
            lost: Vec::new(),
        };
    }
    let mut reader = Reader {
        rest: tree.clone(),
        original: tree,
        mistakes: Mistakes::none(),
        taken: Vec::new(),
        stand_ins: Vec::new(),
        lost: Vec::new(),
    };
    let mut value = None;
    for _ in 0..MOST_ROUNDS {
        let error =
            match serde_path_to_error::deserialize::<_, T>(Value::Table(reader.rest.clone())) {
                Ok(read) => {
                    value = Some(read);
                    break;
                }
                Err(error) => error,
            };
        let path: Vec<Step> = error
            .path()
            .iter()
            .filter_map(|segment| match segment {
                Segment::Seq { index } => Some(Step::Index(*index)),
                Segment::Map { key } => Some(Step::Key(key.clone())),
                Segment::Enum { variant } => Some(Step::Key(variant.clone())),
                Segment::Unknown => None,
            })
            .collect();
        if !reader.meet(path, Fault::of(error.inner().message())) {
            break;
        }
    }
    Reading {
        value,
        mistakes: reader.mistakes,
        mended: reader.rest,
        lost: reader.lost,
    }
}

struct Reader<'a> {
    original: &'a Table,
    rest: Table,
    mistakes: Mistakes,
    /// Paths that were taken out.
    taken: Vec<Vec<Step>>,
    stand_ins: Vec<StandIn>,
    lost: Vec<String>,
}

impl Reader<'_> {
    /// Records a fault and makes way for the next; false where the reading cannot go on.
    fn meet(&mut self, mut path: Vec<Step>, fault: Fault) -> bool {
        let ends_with = |path: &[Step], name: &str| matches!(path.last(), Some(Step::Key(last)) if last == name);
        match fault {
            Fault::Missing(name) => {
                path.push(Step::Key(name));
                let said = self.taken.iter().any(|taken| taken.starts_with(&path));
                if !said && self.stand_in(&path).is_none() {
                    self.say(&path, "is missing", "write it; the shipped files show how");
                }
                self.stand_ins.push(StandIn::new(path));
                self.advance(self.stand_ins.len() - 1)
            }
            Fault::UnknownKey(name, known) => {
                if !ends_with(&path, &name) {
                    path.push(Step::Key(name.clone()));
                }
                let fix = if known.is_empty() {
                    "take it out: nothing may stand here".to_owned()
                } else {
                    suggest(&name, &known)
                };
                let lost = self.lost.len();
                self.say(&path, UNKNOWN, fix);
                self.lost.truncate(lost);
                self.clear(path)
            }
            Fault::UnknownChoice(name, known) => {
                let mut whole = path.clone();
                if at(&self.rest, &path).is_some_and(|value| value.as_str() == Some(&name)) {
                    // A bare text: the path ends at it.
                } else if ends_with(&path, &name) {
                    whole.pop();
                } else {
                    path.push(Step::Key(name.clone()));
                }
                if let Some(stand_in) = self.stand_in(&whole) {
                    if let Some(first) = known.first() {
                        let mut table = Table::new();
                        table.insert(first.clone(), Value::Table(Table::new()));
                        let first = Value::String(first.clone());
                        self.stand_ins[stand_in].hint([Value::Table(table), first]);
                    }
                    return self.advance(stand_in);
                }
                self.say(
                    &path,
                    "is not one of the choices here",
                    suggest(&name, &known),
                );
                self.clear(whole)
            }
            Fault::Other(message) => {
                if let Some(stand_in) = self.stand_in(&path) {
                    if let Some(example) = message
                        .split_once("write for instance `")
                        .and_then(|(_, after)| after.split('`').next())
                    {
                        self.stand_ins[stand_in].hint([Value::String(example.to_owned())]);
                    }
                    return self.advance(stand_in);
                }
                // What is wrong only because something was taken out below it has been said.
                let said = self.taken.iter().any(|taken| taken.starts_with(&path));
                if !said {
                    // A choice in bare text: serde points below the text.
                    if at(self.original, &path).is_none()
                        && let Some((_, above)) = path.split_last()
                        && at(&self.rest, above).is_some_and(|value| value.as_str().is_some())
                    {
                        path.truncate(path.len() - 1);
                    }
                    let (problem, fix) = plain(&message);
                    self.say(&path, problem, fix);
                }
                self.clear(path)
            }
        }
    }

    fn say(&mut self, path: &[Step], problem: impl Into<String>, fix: impl Into<String>) {
        let key = shown(path);
        self.lost.push(key.clone());
        self.mistakes.0.push(Mistake {
            key,
            value: at(self.original, path).map(show).unwrap_or_default(),
            problem: problem.into(),
            fix: fix.into(),
        });
    }

    /// The innermost stand-in at or above a path.
    fn stand_in(&self, path: &[Step]) -> Option<usize> {
        (0..self.stand_ins.len())
            .filter(|index| path.starts_with(&self.stand_ins[*index].path))
            .max_by_key(|index| self.stand_ins[*index].path.len())
    }

    /// Tries the next value of a stand-in.
    fn advance(&mut self, index: usize) -> bool {
        let path = self.stand_ins[index].path.clone();
        let next = self.stand_ins[index].next.pop_front();
        self.stand_ins
            .retain(|other| other.path == path || !other.path.starts_with(&path));
        let Some(next) = next else {
            // Nothing fits here, so the table around it has to go.
            self.stand_ins.retain(|other| other.path != path);
            return match path.split_last() {
                Some((_, above)) => self.clear(above.to_vec()),
                None => false,
            };
        };
        let Some((last, above)) = path.split_last() else {
            return false;
        };
        match (at_mut(&mut self.rest, above), last) {
            (Some(Place::Table(table)), Step::Key(key)) => {
                table.insert(key.clone(), next);
                true
            }
            (Some(Place::Array(list)), Step::Index(index)) if *index < list.len() => {
                list[*index] = next;
                true
            }
            _ => false,
        }
    }

    /// Takes out what is wrong: a key by leaving it out, an element of a list, whose neighbours must
    /// keep their numbers, by a stand-in.
    fn clear(&mut self, path: Vec<Step>) -> bool {
        let Some((last, above)) = path.split_last() else {
            return false;
        };
        self.stand_ins
            .retain(|other| !other.path.starts_with(&path));
        match (at_mut(&mut self.rest, above), last) {
            (Some(Place::Table(table)), Step::Key(key)) => {
                if table.remove(key).is_none() {
                    return false;
                }
                self.taken.push(path);
                true
            }
            (Some(Place::Array(_)), Step::Index(_)) => {
                self.taken.push(path.clone());
                self.stand_ins.push(StandIn::new(path));
                self.advance(self.stand_ins.len() - 1)
            }
            _ => self.clear(above.to_vec()),
        }
    }
}
