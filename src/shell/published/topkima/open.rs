//! What is not reproduced, and why.

use super::{How, Row};

/// Quantity, what is printed, and the reason.
const OPEN: [(&str, &str, &str); 7] = [
    (
        "scale-free over left shift, speed",
        "2.4x",
        "The sizes behind the ratio are never given.",
    ),
    (
        "scale-free over TRON, speed",
        "1.5x",
        "The sizes behind the ratio are never given.",
    ),
    (
        "energy of the macro in joules",
        "not printed",
        "Only ratios are printed: no energy equation, bitline capacitance, cell current or LSB in volts.",
    ),
    (
        "bars and shares of the figures",
        "read as loose text",
        "Numbers beside the bars and pies were read without their positions, so none can be given to a bar.",
    ),
    (
        "error of the circuit's ADC",
        "a figure",
        "Mean and sigma of the distribution are given neither in LSB nor in volts.",
    ),
    (
        "SQuAD, BERT-base, with circuit noise",
        "86.7 -> 85.1 %",
        "BERT-base on SQuAD is not run here; the noise is not given either. What noise costs another model as much stands \
         above; fitting reproduces nothing.",
    ),
    (
        "loss by k = 5 on four tasks",
        "0.4 to 1.2 %",
        "Needs the fine-tuned ViT, DistilBERT and BERT-base of the paper, and its training; the trend stands above, on \
         another model.",
    ),
];

/// All of them.
pub(super) fn rows() -> Vec<Row> {
    OPEN.iter()
        .map(|(quantity, published, reason)| {
            Row::new(How::NotReproducible, *quantity, *published, "-").note(*reason)
        })
        .collect()
}
