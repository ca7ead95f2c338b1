//! Weights by name: shapes that must be as the model says, and errors that name the tensor.

mod values;

use std::collections::{BTreeMap, BTreeSet};

use nalgebra::{DMatrix, DVector};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

use super::leftover::some;
use crate::base::arrays::open_safetensors;
use crate::base::mistake::Mistakes;

const MISSING: &str = "the file holds no tensor of this name";

/// The tensors of the `.safetensors` files of one model while it is assembled from them. Mistakes are
/// gathered, so that all missing and misshapen tensors are told at once; which tensors were taken is
/// remembered, so that what is left can be accounted for.
#[derive(Debug)]
pub struct Tensors<'a> {
    files: Vec<SafeTensors<'a>>,
    /// As a model calls them: the file that holds them, and their name there.
    places: BTreeMap<String, (usize, String)>,
    taken: BTreeSet<String>,
    prefix: String,
    mistakes: Mistakes,
}

impl<'a> Tensors<'a> {
    /// Opens the directory of the file.
    ///
    /// # Errors
    /// What is wrong with the header.
    pub fn open(bytes: &'a [u8]) -> Result<Self, Mistakes> {
        Self::join(&[bytes])
    }

    /// Opens the directories of files that hold one model together.
    ///
    /// # Errors
    /// What is wrong with a header; a tensor that is there twice.
    pub fn join(files: &[&'a [u8]]) -> Result<Self, Mistakes> {
        let mut all = Self {
            files: Vec::new(),
            places: BTreeMap::new(),
            taken: BTreeSet::new(),
            prefix: String::new(),
            mistakes: Mistakes::none(),
        };
        for bytes in files {
            match open_safetensors(bytes) {
                Ok(file) => all.files.push(file),
                Err(error) => all.mistakes.add("", "", error.to_string(), ""),
            }
        }
        for (at, file) in all.files.iter().enumerate() {
            let mut names = file.names();
            names.sort_unstable();
            for name in names {
                let place = (at, name.to_owned());
                if let Some((_, other)) = all.places.insert(called(name), place) {
                    all.mistakes.add(
                        name,
                        "",
                        format!("stands beside `{other}`, which is the same tensor"),
                        "leave one of the two out of the file",
                    );
                }
            }
        }
        if all.mistakes.0.is_empty() {
            Ok(all)
        } else {
            Err(all.mistakes)
        }
    }

    /// The tensor that a model calls so.
    fn tensor(&self, name: &str) -> Option<TensorView<'_>> {
        let (file, name) = self.places.get(name)?;
        self.files[*file].tensor(name).ok()
    }

    /// The name of a tensor in its file; its own where no file holds it.
    fn told(&self, name: &str) -> String {
        self.places
            .get(name)
            .map_or_else(|| name.to_owned(), |(_, own)| own.clone())
    }

    /// Whether the file holds a tensor of this whole name, in 4 bits or more.
    #[must_use]
    pub fn holds(&self, name: &str) -> bool {
        self.places.contains_key(name) || self.places.contains_key(&format!("{name}.int4"))
    }

    /// What stands before the tensor `sign`, wherever the file holds one of this name.
    #[must_use]
    pub fn before(&self, sign: &str) -> BTreeSet<String> {
        let names = self.places.keys().filter_map(|name| {
            let whole = name.strip_suffix(".int4").unwrap_or(name);
            let before = whole.strip_suffix(sign)?;
            (before.is_empty() || before.ends_with('.')).then(|| before.to_owned())
        });
        names.collect()
    }

    /// Takes `root` from before every name that begins with it, and counts these.
    pub fn strip(&mut self, root: &str) -> usize {
        let mut stripped = 0;
        for (name, place) in std::mem::take(&mut self.places) {
            let own = match name.strip_prefix(root) {
                Some(own) => {
                    stripped += 1;
                    own.to_owned()
                }
                None => name,
            };
            let told = place.1.clone();
            if self.places.insert(own.clone(), place).is_some() {
                self.mistakes.add(
                    &told,
                    "",
                    format!("stands beside `{own}`, which is the same tensor without `{root}`"),
                    "leave one of the two out of the file",
                );
            }
        }
        stripped
    }

    /// Tensors that nothing has taken: as a model calls them, and as the file does.
    #[must_use]
    pub fn left(&self) -> Vec<(String, String)> {
        let left = self.places.iter();
        left.filter(|(name, _)| !self.taken.contains(*name))
            .map(|(name, (_, own))| (name.clone(), own.clone()))
            .collect()
    }

    /// Leaves out that tensors are missing, where the reason is told instead.
    pub fn forget_missing(&mut self) {
        self.mistakes.0.retain(|mistake| mistake.problem != MISSING);
    }

    /// Records what is wrong.
    pub fn blame(&mut self, mistakes: Mistakes) {
        self.mistakes.0.extend(mistakes.0);
    }

    /// What the file of these `bytes` says of itself under a key.
    #[must_use]
    pub fn about(&self, bytes: &[u8], key: &str) -> Option<String> {
        let (_, about) = SafeTensors::read_metadata(bytes).ok()?;
        about.metadata().as_ref()?.get(key).cloned()
    }

    /// Dimensions of the tensor of this whole name, if the file holds it in 16 bits or more.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        Some(self.tensor(name)?.shape().to_vec())
    }

    /// Rows of the tensor of this whole name, if the file holds it.
    #[must_use]
    pub fn rows(&self, name: &str) -> Option<usize> {
        self.tensor(name)?.shape().first().copied()
    }

    /// From here on every name has `prefix` before it, if the tensor `sign` has.
    pub fn prefix_if(&mut self, prefix: &str, sign: &str) {
        self.prefix.clear();
        if self.holds(&format!("{prefix}{sign}")) {
            prefix.clone_into(&mut self.prefix);
        }
    }

    /// From here on names are whole.
    pub fn no_prefix(&mut self) {
        self.prefix.clear();
    }

    /// Says so if the file holds more or fewer blocks `FOLDER.layer.N` than the `layers` that `key` of config.json
    /// counts, once they were taken: without them the rest is another encoder. Of blocks that are missing at
    /// the end the tensors of the first alone are told one by one.
    pub fn count_layers(&mut self, folder: &str, layers: usize, key: &str) {
        let before = format!("{}{folder}.layer.", self.prefix);
        let layer = |name: &str| {
            let (number, _) = name.strip_prefix(&before)?.split_once('.')?;
            number.parse::<usize>().ok()
        };
        let mut beyond: Vec<(usize, String)> = Vec::new();
        let mut held = BTreeSet::new();
        for (name, (_, own)) in &self.places {
            let Some(layer) = layer(name) else { continue };
            held.insert(layer);
            if layer >= layers {
                beyond.push((layer, own.clone()));
                self.taken.insert(name.clone());
            }
        }
        let at = match (beyond.into_iter().min(), held.last()) {
            (Some((_, first)), _) => first,
            (None, Some(last)) if last + 1 < layers => {
                let first = last + 1;
                let is_further = |key: &str| layer(key).is_some_and(|layer| layer > first);
                self.mistakes.0.retain(|one| !is_further(&one.key));
                format!("{before}{first}")
            }
            _ => return,
        };
        self.mistakes.add(
            &at,
            "",
            format!(
                "the file holds {} layers, and config.json has {key} = {layers}",
                held.len()
            ),
            format!("set {key} in config.json to the layers of the file, or take weights of {layers} layers"),
        );
    }

    /// Takes a matrix of `rows` x `columns` (out x in). What is wrong with it is remembered and an
    /// empty one returned.
    pub fn matrix(&mut self, name: &str, rows: usize, columns: usize) -> DMatrix<f32> {
        let name = format!("{}{name}", self.prefix);
        let values = if self.places.contains_key(&format!("{name}.int4")) {
            self.int4(&name, rows, columns)
        } else {
            self.values(&name, &[rows, columns])
        };
        values.map_or_else(
            || DMatrix::zeros(0, 0),
            |values| DMatrix::from_row_slice(rows, columns, &values),
        )
    }

    /// Takes a tensor of any rank whose first dimension counts `rows`, as a matrix of that many rows.
    pub fn flattened(&mut self, name: &str, shape: &[usize]) -> DMatrix<f32> {
        let name = format!("{}{name}", self.prefix);
        let columns = shape[1..].iter().product();
        self.values(&name, shape).map_or_else(
            || DMatrix::zeros(0, 0),
            |values| DMatrix::from_row_slice(shape[0], columns, &values),
        )
    }

    /// Takes a vector.
    pub fn vector(&mut self, name: &str, length: usize) -> DVector<f32> {
        let name = format!("{}{name}", self.prefix);
        self.values(&name, &[length])
            .map_or_else(|| DVector::zeros(0), DVector::from_vec)
    }

    /// Everything that was wrong so far.
    #[must_use]
    pub fn finish(mut self) -> Mistakes {
        self.gather();
        self.mistakes
    }

    /// Of many tensors with one fault the first alone is told, with the number of the others.
    fn gather(&mut self) {
        const MOST: usize = 3;
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for one in &self.mistakes.0 {
            *counts.entry(one.problem.clone()).or_default() += 1;
        }
        counts.retain(|problem, count| *count > MOST && problem != MISSING);
        self.mistakes
            .0
            .retain_mut(|one| match counts.get_mut(&one.problem) {
                None => true,
                Some(0) => false,
                Some(count) => {
                    one.problem = format!("{}, as {} tensors more", one.problem, *count - 1);
                    *count = 0;
                    true
                }
            });
    }

    /// Everything that was wrong so far, and tensors that nothing has taken.
    #[must_use]
    pub fn alone(mut self) -> Mistakes {
        self.gather();
        let left: Vec<String> = self.left().into_iter().map(|(_, name)| name).collect();
        if !left.is_empty() {
            self.mistakes.add(
                "",
                "",
                format!(
                    "the file holds {} tensors more ({})",
                    left.len(),
                    some(&left)
                ),
                "leave them out: what they do is not computed",
            );
        }
        self.mistakes
    }
}

/// What a tensor is called now: in weights of before 2019 a LayerNorm has gamma and beta.
fn called(name: &str) -> String {
    for (old, new) in [(".gamma", ".weight"), (".beta", ".bias")] {
        if let Some(layer) = name.strip_suffix(old)
            && layer.to_lowercase().ends_with("norm")
        {
            return format!("{layer}{new}");
        }
    }
    name.to_owned()
}

#[cfg(test)]
mod tests;
