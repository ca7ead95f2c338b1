//! A probe in a file of its own.

use crate::base::mistake::Mistakes;
use crate::study::model::Tensors;
use crate::study::task::Probe;

/// A probe for features of an encoder. Its file is to blame for a shape that does not fit, not the
/// encoder's.
pub(super) fn read_probe(bytes: &[u8], features: usize) -> Result<Probe, Mistakes> {
    let tensors = Tensors::open(bytes)?;
    let mut mistakes = Mistakes::none();
    let mut shaped = |key: &str, fits: &dyn Fn(&[usize]) -> bool, wanted: &str| {
        let shape = tensors.shape(key);
        let found = match &shape {
            Some(shape) => format!("has shape {shape:?}"),
            None => "the file holds no tensor of this name".to_owned(),
        };
        mistakes.require(
            shape.is_some_and(|shape| fits(&shape)),
            key,
            "",
            format!("{found}; {wanted}"),
            "write the probe so, or take one that was fitted on embeddings of this encoder",
        );
    };
    shaped(
        "weight",
        &|shape| matches!(shape, [_, columns] if *columns == features),
        &format!("it must be [classes, {features}], a row a class and a column a feature"),
    );
    let classes = tensors.rows("weight");
    shaped(
        "bias",
        &|shape| matches!(shape, [rows] if classes.is_none_or(|classes| *rows == classes)),
        "it must be [classes], a number for each row of `weight`",
    );
    mistakes.or(|| ())?;
    Probe::read(bytes, features)
}
