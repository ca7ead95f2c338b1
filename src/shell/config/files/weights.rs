//! The weights of an encoder or of a layer behind it: one `.safetensors` file, or shards that an index lists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::encoder::WEIGHTS;
use super::study::{Opening, fetch};
use super::{about, named};
use crate::base::arrays::safetensors_names;
use crate::base::json;
use crate::base::mistake::Mistakes;
use crate::shell::config::{FileMistakes, MAX_ARRAY_BYTES, MAX_TEXT_BYTES};

const INDEX: &str = "model.safetensors.index.json";

/// What other programs save in place of a `.safetensors` file.
const OTHERS: [&str; 7] = [
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "tf_model.h5",
    "flax_model.msgpack",
    "adapter_model.safetensors",
    "adapter_model.bin",
    "rust_model.ot",
];

/// Files of an adapter, which would change what the weights beside them give.
const ADAPTERS: [&str; 3] = [
    "adapter_config.json",
    "adapter_model.safetensors",
    "adapter_model.bin",
];

/// Where shards lie: the file of each tensor.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Opening<'_> {
    /// The weights in a folder: one file, or shards that an index lists; and the file to blame.
    pub(super) fn weights(
        &mut self,
        home: &Path,
        name: &Path,
    ) -> Result<(PathBuf, Vec<Vec<u8>>), FileMistakes> {
        let mut mistakes = Mistakes::none();
        let adapters = ADAPTERS.map(|name| home.join(name));
        let whole = home.join(name);
        let weights = self.is_there(&whole) || self.is_there(&home.join(INDEX));
        let beside = |path: &&PathBuf| {
            self.is_there(path) && (weights || path.ends_with("adapter_config.json"))
        };
        if let Some(adapter) = adapters.iter().find(beside) {
            mistakes.add(
                "",
                "",
                "an adapter lies beside the weights, and adapters are not computed",
                format!(
                    "merge it into the weights (peft: `model.merge_and_unload()`) and save that; or, to measure the encoder without it, take {} out of the folder",
                    adapter.file_name().unwrap_or_default().display()
                ),
            );
            return Err(self.inside(adapter, mistakes));
        }
        let index = home.join(INDEX);
        let sharded = name.to_string_lossy().ends_with(".index.json");
        if !sharded && (self.is_there(&whole) || !self.is_there(&index)) {
            self.instead(home, &whole)?;
            if self.is_there(&index) {
                self.notices.note(format!(
                    "{}: is not used: {} lies beside it",
                    named(&self.folder.join(&index)),
                    name.display()
                ));
            }
            let bytes = self.bytes("model.weights", &whole, MAX_ARRAY_BYTES)?;
            return Ok((whole, vec![bytes]));
        }
        let index = if sharded { whole } else { index };
        let text = self.bytes("model.weights", &index, MAX_TEXT_BYTES)?;
        let own = "take the model's own index";
        let tree = json::table(&text, own).map_err(|wrong| self.inside(&index, wrong))?;
        let read: Index = match serde_json::from_value(tree) {
            Ok(read) => read,
            Err(error) => {
                mistakes.add(
                    "weight_map",
                    "",
                    format!("is not a table of tensors and their files: {error}"),
                    own,
                );
                return Err(self.inside(&index, mistakes));
            }
        };
        let files: BTreeSet<&String> = read.weight_map.values().collect();
        let mut shards = Vec::new();
        let mut known: BTreeMap<String, &String> = BTreeMap::new();
        for file in files {
            let path = index.with_file_name(file);
            let bytes = self.bytes("model.weights", &path, MAX_ARRAY_BYTES)?;
            let held = safetensors_names(&bytes)
                .map_err(|error| about(&self.folder.join(&path), error.to_string(), ""))?;
            let listed = read.weight_map.iter().filter(|(_, own)| *own == file);
            let missing = listed
                .map(|(name, _)| name)
                .find(|name| !held.contains(name));
            if let Some(name) = missing {
                mistakes.add(
                    "weight_map",
                    name,
                    format!("is not in {file}"),
                    "take index and shards of one model",
                );
                return Err(self.inside(&index, mistakes));
            }
            for name in held {
                if let Some(other) = known.insert(name.clone(), file) {
                    mistakes.add(
                        "weight_map",
                        name,
                        format!("stands in {other} and in {file}"),
                        "take shards of one model, all saved at once",
                    );
                    return Err(self.inside(&index, mistakes));
                }
            }
            shards.push(bytes);
        }
        Ok((index, shards))
    }

    /// Says what lies in place of weights that are not there.
    fn instead(&self, home: &Path, whole: &Path) -> Result<(), FileMistakes> {
        if self.is_there(whole) || fetch(whole).is_some() {
            return Ok(());
        }
        let Some(other) = OTHERS.iter().find(|name| self.is_there(&home.join(name))) else {
            return Ok(());
        };
        let folder = named(&self.folder.join(home));
        let mut mistakes = Mistakes::none();
        let fix = match *other {
            "pytorch_model.bin" => format!(
                "convert it (pip install torch safetensors): python3 -c \"import torch, safetensors.torch as s; w = torch.load('{folder}/{other}', map_location='cpu', weights_only=True); s.save_file({{n: t.clone().contiguous() for n, t in w.items()}}, '{folder}/{WEIGHTS}')\""
            ),
            "adapter_model.safetensors" | "adapter_model.bin" => {
                "an adapter alone is no encoder: merge it into the weights it belongs to (peft: `model.merge_and_unload()`) and save that".to_owned()
            }
            _ => format!(
                "load it with the transformers library and save it again: model.save_pretrained('{folder}')"
            ),
        };
        mistakes.add(
            "model.weights",
            format!("\"{}\"", whole.display()),
            format!("is not there; the folder holds {other}, which is not read"),
            fix,
        );
        Err(FileMistakes::of(self.file, mistakes))
    }
}
