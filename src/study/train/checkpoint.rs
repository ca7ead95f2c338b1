//! Weights and unfinished trainings as `.safetensors` bytes.
//!
//! Weights are half precision under the names of the Hugging Face ViT; a state is single precision with
//! the optimiser's means, so that a training goes on to the same bytes. What both say of themselves
//! stands in the header's metadata, in a fixed order: the bytes are a function of the content alone.

use std::collections::BTreeMap;

use half::f16;
use safetensors::SafeTensors;
use serde_json::{Map, Value, json};

use super::adamw::Moments;
use super::layout::Net;
use super::trainer::State;
use super::way::Units;
use crate::base::arrays::{Array, read_safetensors};
use crate::base::mistake::Mistakes;

/// What a checkpoint says of itself, by name.
pub type Metadata = BTreeMap<String, String>;

/// Names of a state's tensors beside the weights.
const FIRST: &str = "optimiser.first";
const SECOND: &str = "optimiser.second";
const UNITS: &str = "quantise.units";
const STEP: &str = "step";

/// How values are stored.
#[derive(Clone, Copy)]
enum Kind {
    Half,
    Single,
}

#[derive(Default)]
struct Parts {
    header: Map<String, Value>,
    body: Vec<u8>,
}

impl Parts {
    fn new(metadata: &Metadata) -> Self {
        let mut file = Self::default();
        file.header
            .insert("__metadata__".to_owned(), json!(metadata));
        file
    }

    fn add(&mut self, name: &str, shape: &[usize], values: &[f32], kind: Kind) {
        let start = self.body.len();
        for value in values {
            match kind {
                Kind::Half => self.body.extend(f16::from_f32(*value).to_le_bytes()),
                Kind::Single => self.body.extend(value.to_le_bytes()),
            }
        }
        let dtype = match kind {
            Kind::Half => "F16",
            Kind::Single => "F32",
        };
        let about =
            json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, self.body.len()] });
        self.header.insert(name.to_owned(), about);
    }

    fn bytes(self) -> Vec<u8> {
        let mut header = serde_json::to_vec(&self.header).unwrap_or_default();
        header.resize(header.len().next_multiple_of(8), b' ');
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header);
        bytes.extend(self.body);
        bytes
    }
}

/// The weights as they come back from a file of half precision.
#[must_use]
pub fn rounded(weights: &[f32]) -> Vec<f32> {
    weights
        .iter()
        .map(|weight| f16::from_f32(*weight).to_f32())
        .collect()
}

/// A file of weights in half precision.
#[must_use]
pub fn write_weights(net: &Net, weights: &[f32], metadata: &Metadata) -> Vec<u8> {
    let mut file = Parts::new(metadata);
    for tensor in &net.tensors {
        let values = &weights[tensor.place.clone()];
        file.add(&tensor.name, &tensor.shape, values, Kind::Half);
    }
    file.bytes()
}

/// A file of everything a training goes on from.
#[must_use]
pub fn write_state(net: &Net, state: &State, metadata: &Metadata) -> Vec<u8> {
    let mut metadata = metadata.clone();
    metadata.insert(STEP.to_owned(), state.step.to_string());
    let mut file = Parts::new(&metadata);
    for tensor in &net.tensors {
        let values = &state.weights[tensor.place.clone()];
        file.add(&tensor.name, &tensor.shape, values, Kind::Single);
    }
    for (name, values) in [
        (FIRST, &state.moments.first),
        (SECOND, &state.moments.second),
        (UNITS, &state.units.0),
    ] {
        if !values.is_empty() {
            file.add(name, &[values.len()], values, Kind::Single);
        }
    }
    file.bytes()
}

/// Reads the weights of `net` and what their file says of itself.
///
/// # Errors
/// Every tensor that is missing, has another shape or holds what is no finite number, by its name.
pub fn read_weights(net: &Net, bytes: &[u8]) -> Result<(Vec<f32>, Metadata), Mistakes> {
    let mut mistakes = Mistakes::none();
    let metadata = metadata(bytes, &mut mistakes);
    let mut weights = vec![0.0; net.size()];
    for tensor in &net.tensors {
        let own = &mut weights[tensor.place.clone()];
        take(bytes, &tensor.name, &tensor.shape, own, &mut mistakes);
    }
    mistakes.or(|| (weights, metadata))
}

/// Reads a state of `net` with `units` units.
///
/// # Errors
/// As for weights; a step that is no number.
pub fn read_state(net: &Net, units: usize, bytes: &[u8]) -> Result<(State, Metadata), Mistakes> {
    let (weights, metadata) = read_weights(net, bytes)?;
    let mut mistakes = Mistakes::none();
    let mut list = |name: &str, count: usize| {
        let mut values = vec![0.0; count];
        if count > 0 {
            take(bytes, name, &[count], &mut values, &mut mistakes);
        }
        values
    };
    let (first, second) = (list(FIRST, net.size()), list(SECOND, net.size()));
    let units = Units(list(UNITS, units));
    let step = metadata.get(STEP).and_then(|step| step.parse().ok());
    if step.is_none() {
        mistakes.add(
            STEP,
            "",
            "the state does not say its step",
            "train again without --resume",
        );
    }
    mistakes.or(|| {
        let state = State {
            step: step.unwrap_or(0),
            weights,
            moments: Moments { first, second },
            units,
        };
        (state, metadata)
    })
}

/// What a file says of itself, once its tensors have been looked at.
fn metadata(bytes: &[u8], mistakes: &mut Mistakes) -> Metadata {
    // The header's reader is only asked when the guarded one took the header.
    if let Err(error) = read_safetensors(bytes, &[]) {
        mistakes.add("", "", error.to_string(), "");
        return Metadata::new();
    }
    let header = SafeTensors::read_metadata(bytes).ok();
    let pairs = header.and_then(|(_, header)| header.metadata().clone());
    pairs.unwrap_or_default().into_iter().collect()
}

fn take(bytes: &[u8], name: &str, shape: &[usize], out: &mut [f32], mistakes: &mut Mistakes) {
    match read_safetensors(bytes, &[name]) {
        Err(error) => {
            let problem = error.to_string();
            // A file that is not whole is told once.
            if !mistakes.0.iter().any(|known| known.problem == problem) {
                mistakes.add("", "", problem, "");
            }
        }
        Ok(found) => match found.get(name) {
            None => mistakes.add(
                name,
                "",
                "the tensor is missing",
                "check that it is a checkpoint of this transformer",
            ),
            Some(Array { shape: found, .. }) if found != shape => mistakes.add(
                name,
                format!("{found:?}"),
                format!("must have the shape {shape:?}"),
                "check that the sizes under [net] are those of the checkpoint",
            ),
            Some(Array { values, .. }) => {
                for (out, value) in out.iter_mut().zip(values) {
                    *out = *value as f32;
                }
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::NetParams;
    use super::*;

    fn net() -> Net {
        let params = NetParams {
            patch: 4,
            width: 8,
            layers: 1,
            heads: 2,
            hidden: 8,
        };
        params.check(8, 3).unwrap()
    }

    fn about() -> Metadata {
        [("k", "5"), ("way", "kept"), ("split", "3+2")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }

    fn state(net: &Net) -> State {
        let size = net.size();
        let values = |from: f32| (0..size).map(|at| from + (at as f32).sin() / 3.0).collect();
        State {
            step: 17,
            weights: values(0.1),
            moments: Moments {
                first: values(0.2),
                second: values(0.3),
            },
            units: Units(vec![0.5, 0.25]),
        }
    }

    #[test]
    fn a_state_comes_back_to_the_bit_and_weights_in_half_precision() {
        let net = net();
        let state = state(&net);
        let bytes = write_state(&net, &state, &about());
        let (back, metadata) = read_state(&net, 2, &bytes).unwrap();
        assert_eq!(back, state);
        assert_eq!(
            (&*metadata["k"], &*metadata["split"], &*metadata["step"]),
            ("5", "3+2", "17")
        );
        let bytes = write_weights(&net, &state.weights, &about());
        let (weights, metadata) = read_weights(&net, &bytes).unwrap();
        assert_eq!(weights, rounded(&state.weights));
        assert_eq!(metadata, about());
        assert_eq!(
            bytes,
            write_weights(&net, &weights, &metadata),
            "the same bytes again"
        );
    }

    #[test]
    fn the_library_reads_names_shapes_and_half_precision() {
        let net = net();
        let bytes = write_weights(&net, &state(&net).weights, &about());
        let file = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(file.len(), net.tensors.len());
        let query = file
            .tensor("vit.encoder.layer.0.attention.attention.query.weight")
            .unwrap();
        assert_eq!(
            (query.shape(), query.dtype()),
            (&[8, 8][..], safetensors::Dtype::F16)
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_the_tensor_s_name() {
        let net = net();
        let weights = state(&net).weights;
        let bytes = write_weights(&net, &weights, &about());
        let told = |net: &Net, bytes: &[u8]| -> Vec<String> {
            let mistakes = read_weights(net, bytes).unwrap_err();
            mistakes.0.iter().map(ToString::to_string).collect()
        };
        let wider = NetParams {
            hidden: 9,
            ..net.params
        }
        .check(8, 3)
        .unwrap();
        let found = told(&wider, &bytes);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with(
            "vit.encoder.layer.0.intermediate.dense.weight = [8, 8]: must have the shape [9, 8]"
        ));
        let deeper = NetParams {
            layers: 2,
            ..net.params
        }
        .check(8, 3)
        .unwrap();
        let found = told(&deeper, &bytes);
        assert_eq!(found.len(), 16);
        assert!(
            found[0]
                .starts_with("vit.encoder.layer.1.layernorm_before.weight: the tensor is missing")
        );
        let mut broken = weights.clone();
        broken[net.classifier.bias.start + 1] = f32::NAN;
        let found = told(&net, &write_weights(&net, &broken, &about()));
        assert!(
            found.len() == 1 && found[0].contains("`classifier.bias` holds NaN at index [1]"),
            "{found:?}"
        );
        for end in [0, 5, 40, bytes.len() / 2, bytes.len() - 1] {
            let found = told(&net, &bytes[..end]);
            assert!(
                found.len() == 1 && found[0].contains("not a whole .safetensors file"),
                "{found:?}"
            );
        }
        let missing = read_state(&net, 2, &bytes).unwrap_err();
        let keys: Vec<&str> = missing.0.iter().map(|m| m.key.as_str()).collect();
        assert_eq!(keys, [FIRST, SECOND, UNITS, STEP]);
    }
}
