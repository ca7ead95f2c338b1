//! The float forward pass against the original implementations; see scripts/make_reference.py.

use topkima::study::model::{Encoder, Input, Pooling};

use crate::setup::{array, distance, encoder, features, minilm, minilm_words, reference};

#[test]
fn minilm_gives_what_transformers_gives() {
    let file = reference("minilm.safetensors");
    let (mean, first) = (minilm(Pooling::Mean {}), minilm(Pooling::Class {}));
    let mut seen = 0;
    while let Some(ids) = array(&file, &format!("ids.{seen}")) {
        let input = Input::Tokens(ids.values.iter().map(|id| *id as u32).collect());
        for (encoder, part) in [(&mean, "mean"), (&first, "first")] {
            let original = array(&file, &format!("{part}.{seen}")).unwrap();
            let apart = distance(&features(encoder, &input), &original.values);
            assert!(apart < 1e-5, "sentence {seen}, {part}: {apart}");
        }
        seen += 1;
    }
    assert_eq!(seen, 4);
    let ids = array(&file, "ids.0").unwrap().values;
    let ours = minilm_words().encode("A ramp ADC stops at the fifth crossing.", 128);
    assert_eq!(
        ours.iter().map(|id| f64::from(*id)).collect::<Vec<_>>(),
        ids
    );
}

/// Class scores of a small model with drawn weights.
fn check(name: &str, encoder: &Encoder) {
    let file = reference(name).join("expected.safetensors");
    let mut seen = 0;
    while let Some(input) = array(&file, &format!("input.{seen}")) {
        let values = input.values.iter();
        let input = if name == "vit" {
            Input::Image(values.map(|pixel| *pixel as f32).collect())
        } else {
            Input::Tokens(values.map(|id| *id as u32).collect())
        };
        encoder.embedding.check(&input).unwrap();
        let features = nalgebra::DVector::from_vec(features(encoder, &input));
        let scores = encoder.classifier.as_ref().unwrap().scores(&features);
        let original = array(&file, &format!("scores.{seen}")).unwrap();
        let apart = distance(scores.as_slice(), &original.values);
        assert!(apart < 1e-5, "{name}, input {seen}: {apart}");
        seen += 1;
    }
    assert_eq!(seen, 3);
}

#[test]
fn small_models_of_each_family_give_the_class_scores_that_transformers_gives() {
    for name in ["bert", "distilbert", "vit"] {
        check(name, &encoder(&reference(name), Pooling::Class {}));
    }
}
