//! What a folder of sentence-transformers says of the way from tokens to an embedding is done, refused or told of.

use std::collections::BTreeMap;
use std::fs;

use safetensors::tensor::Dtype;
use topkima::study::model::Pooling;

use crate::folder::file;
use crate::own::Folder;
use crate::setup::{array, reference};

/// A folder whose task is pairs, as sentence-transformers lays it out.
pub fn sentence_encoder() -> Folder {
    let folder = Folder::new();
    folder.write("own.toml", &crate::own::on_pairs());
    folder.write("test.csv", &crate::own::pairs(0, 20));
    let train = "sentence1,sentence2,score\nw40 w41 w42 w43 w44,w1,1\nw44 w42 w40 w1,w2,2\nw41 w44 w2 w2,w3,3\nw43 w43 w40,w4,4\n";
    folder.write("train.csv", train);
    folder
}

pub fn modules(folder: &Folder, parts: &[(&str, &str)]) {
    let list: Vec<serde_json::Value> = parts
        .iter()
        .enumerate()
        .map(|(at, (kind, path))| {
            let kind = format!("sentence_transformers.models.{kind}");
            serde_json::json!({"idx": at, "name": at.to_string(), "path": path, "type": kind})
        })
        .collect();
    folder.write("modules.json", &serde_json::Value::from(list).to_string());
    for (_, path) in parts.iter().filter(|(_, path)| !path.is_empty()) {
        fs::create_dir_all(folder.path().join(path)).unwrap();
    }
}

pub fn float(folder: &Folder, name: &str) -> String {
    let (output, out) = folder.run(&["--trials", "1", "--set", &format!("question={name}")]);
    assert!(output.status.success(), "{output:?}");
    crate::own::column(&out, "float")[0].clone()
}

/// The pooling and the layers behind it, against sums in 64 bits over what the original encoder gives.
#[test]
fn dense_layers_and_normalisation_follow_the_mean() {
    use topkima::study::model::{Dense, Float, Input, Sample, Step};
    let (inputs, outputs) = (384, 3);
    let weight =
        |row: usize, column: usize| ((row * 7919 + column * 104_729) % 97) as f64 / 97.0 - 0.5;
    let bias = [0.25, -0.5, 1.0];
    let mut layer = BTreeMap::new();
    let bytes = |values: Vec<f64>| {
        values
            .iter()
            .flat_map(|x| (*x as f32).to_le_bytes())
            .collect()
    };
    let all = (0..outputs * inputs)
        .map(|at| weight(at / inputs, at % inputs))
        .collect();
    layer.insert(
        "linear.weight".to_owned(),
        (Dtype::F32, vec![outputs, inputs], bytes(all)),
    );
    layer.insert(
        "linear.bias".to_owned(),
        (Dtype::F32, vec![outputs], bytes(bias.to_vec())),
    );
    let step = |name: &str, bias: bool| {
        let text = serde_json::json!({"in_features": inputs, "out_features": outputs, "bias": bias,
            "activation_function": format!("torch.nn.modules.{name}")});
        Dense::read(text.to_string().as_bytes(), inputs).unwrap()
    };
    let reference = reference("minilm.safetensors");
    let mut bare = layer.clone();
    bare.remove("linear.bias");
    for (kind, steps) in [
        (
            0,
            vec![
                step("activation.Tanh", true)
                    .take(&[&file(&layer)])
                    .unwrap(),
            ],
        ),
        (
            1,
            vec![
                step("linear.Identity", false)
                    .take(&[&file(&bare)])
                    .unwrap(),
                Step::Normalize,
            ],
        ),
    ] {
        let mut encoder = crate::setup::minilm(Pooling::Mean {});
        encoder.steps = steps;
        assert_eq!(encoder.features(), outputs);
        for at in 0..4 {
            let ids = array(&reference, &format!("ids.{at}")).unwrap();
            let mean = array(&reference, &format!("mean.{at}")).unwrap().values;
            let sums = (0..outputs).map(|row| {
                let sum: f64 = (0..inputs).map(|at| weight(row, at) * mean[at]).sum();
                if kind == 0 {
                    (sum + bias[row]).tanh()
                } else {
                    sum
                }
            });
            let mut wanted: Vec<f64> = sums.collect();
            if kind == 1 {
                let length = wanted.iter().map(|x| x * x).sum::<f64>().sqrt();
                wanted.iter_mut().for_each(|x| *x /= length);
            }
            let input = Input::Tokens(ids.values.iter().map(|id| *id as u32).collect());
            let sample = Sample {
                index: 0,
                input: &input,
            };
            let (features, ()) = encoder.forward(&[sample], &Float);
            let apart = crate::setup::distance(features[0].as_slice(), &wanted);
            assert!(apart < 2e-5, "{kind}, {at}: {apart}");
        }
    }
    let said = step("activation.Tanh", false)
        .take(&[&file(&layer)])
        .unwrap_err();
    assert!(
        said.0[0].problem.contains("1 tensors more (`linear.bias`)"),
        "{said:?}"
    );
}

#[test]
fn a_folder_of_a_sentence_encoder_is_taken_as_it_says() {
    let folder = sentence_encoder();
    let experiment = fs::read_to_string(folder.path().join("own.toml")).unwrap();
    let mean = float(&folder, "a");
    folder.write(
        "own.toml",
        &experiment.replace("tokens = 14", "tokens = 14\npooling = { class = {} }"),
    );
    let class = float(&folder, "b");
    assert_ne!(mean, class);
    folder.write("own.toml", &experiment);
    let parts = [
        ("Transformer", ""),
        ("Pooling", "1_Pooling"),
        ("Normalize", "2_Normalize"),
    ];
    modules(&folder, &parts);
    let pooling = |keys: &str| {
        folder.write(
            "1_Pooling/config.json",
            &format!("{{\"word_embedding_dimension\": 24, {keys}}}"),
        );
    };
    pooling("\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": false");
    assert_eq!(float(&folder, "c"), class);
    pooling("\"pooling_mode\": \"mean\"");
    assert_eq!(float(&folder, "d"), mean);
    for mode in [
        "max_tokens",
        "mean_sqrt_len_tokens",
        "weightedmean_tokens",
        "lasttoken",
    ] {
        pooling(&format!("\"pooling_mode_{mode}\": true"));
        folder.refuses(&[
            "1_Pooling/config.json: pooling_mode = ",
            "this pooling is not computed",
        ]);
    }
    pooling("\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": true");
    folder.refuses(&["pooling_mode = cls and mean: this pooling is not computed"]);
    pooling("\"pooling_mode\": \"mean\", \"window\": 3");
    folder.refuses(&["window = 3: this key or value is not known"]);
    pooling("\"pooling_mode\": \"mean\"");
    // The parts in folders of their own, as old versions save them.
    modules(
        &folder,
        &[("Transformer", "0_Transformer"), ("Pooling", "1_Pooling")],
    );
    for name in ["config.json", "model.safetensors", "vocab.txt"] {
        let from = folder.path().join(name);
        fs::rename(from, folder.path().join("0_Transformer").join(name)).unwrap();
    }
    assert_eq!(float(&folder, "e"), mean);
    folder.write(
        "own.toml",
        &experiment.replace("path = \".\"", "path = \"0_Transformer\""),
    );
    let (_, said) = crate::meant::checked(&folder);
    assert!(
        said.contains("is the first part of a sentence encoder"),
        "{said}"
    );
}

#[test]
fn prompts_and_small_letters_of_a_sentence_encoder_reach_its_texts() {
    let folder = sentence_encoder();
    let tests = fs::read_to_string(folder.path().join("test.csv")).unwrap();
    let plain = float(&folder, "a");
    // A prompt before each text is the same as the words in the table.
    let said = "{\"prompts\": {\"query\": \"w9 w8 \", \"other\": \"w7\"}, \"default_prompt_name\": \"query\"}";
    folder.write("config_sentence_transformers.json", said);
    let prompted = float(&folder, "b");
    let (_, told) = crate::meant::checked(&folder);
    assert!(
        told.contains("the default prompt \"w9 w8 \" stands before each text"),
        "{told}"
    );
    assert!(
        told.contains("the prompts `other` are not put before any text"),
        "{told}"
    );
    fs::remove_file(folder.path().join("config_sentence_transformers.json")).unwrap();
    let written = tests.replace("\nw", "\nw9 w8 w").replace(",w", ",w9 w8 w");
    folder.write("test.csv", &written);
    assert_eq!(float(&folder, "c"), prompted);
    assert_ne!(prompted, plain);
    let said = "{\"similarity_fn_name\": \"dot\"}";
    folder.write("config_sentence_transformers.json", said);
    let (_, told) = crate::meant::checked(&folder);
    assert!(
        told.contains("similarity_fn_name = \"dot\": pairs are compared by the cosine"),
        "{told}"
    );
    // Capitals go before the tokenizer, which would keep them.
    folder.write("test.csv", &tests.replace("w1", "W1"));
    folder.write("tokenizer_config.json", "{\"do_lower_case\": false}");
    let capitals = float(&folder, "d");
    folder.write(
        "sentence_bert_config.json",
        "{\"max_seq_length\": 14, \"do_lower_case\": true}",
    );
    assert_eq!(float(&folder, "e"), plain);
    assert_ne!(capitals, plain);
}

/// sentence-transformers tries seven names in turn, and the first that is there counts.
#[test]
fn the_limit_of_texts_is_read_under_each_of_its_names() {
    use topkima::study::model::LIMITS;
    let folder = sentence_encoder();
    let limit = |tokens| format!("{{\"max_seq_length\": {tokens}, \"do_lower_case\": false}}");
    for name in LIMITS {
        folder.write(name, &limit(5));
        let (good, said) = crate::meant::checked(&folder);
        assert!(
            good && said.contains("longer than the 5 tokens that the encoder's own files cut"),
            "{name}: {said}"
        );
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    folder.write(LIMITS[0], &limit(6));
    folder.write(LIMITS[2], &limit(5));
    let (good, said) = crate::meant::checked(&folder);
    assert!(good && said.contains("longer than the 6 tokens"), "{said}");
    assert!(said.contains(&format!("{}: not read", LIMITS[2])), "{said}");
}

/// What of a sentence encoder lies there and is not used, or is taken in place of what is not there, is told.
#[test]
fn parts_that_no_list_names_are_told() {
    let folder = sentence_encoder();
    let (_, said) = crate::meant::checked(&folder);
    assert!(!said.contains("modules.json"), "{said}");
    let pooling = "{\"word_embedding_dimension\": 24, \"pooling_mode\": \"cls\"}";
    for name in ["1_Pooling", "2_Dense", "onnx"] {
        fs::create_dir(folder.path().join(name)).unwrap();
        folder.write(&format!("{name}/config.json"), pooling);
    }
    let (good, said) = crate::meant::checked(&folder);
    assert!(
        good && said.contains(": 1_Pooling, 2_Dense lie beside the encoder and no modules.json lists them, so they are not used"),
        "{said}"
    );
    modules(&folder, &[("Transformer", "")]);
    let (good, said) = crate::meant::checked(&folder);
    assert!(
        good && said.contains("modules.json: lists no Pooling, so the mean of the tokens is taken"),
        "{said}"
    );
    let text = fs::read_to_string(folder.path().join("own.toml")).unwrap();
    folder.write(
        "own.toml",
        &text.replace("tokens = 14", "tokens = 14\npooling = { mean = {} }"),
    );
    let (_, said) = crate::meant::checked(&folder);
    assert!(!said.contains("lists no Pooling"), "{said}");
    folder.write("model.safetensors.index.json", "{}");
    let (good, said) = crate::meant::checked(&folder);
    assert!(
        good && said.contains(
            "model.safetensors.index.json: is not used: model.safetensors lies beside it"
        ),
        "{said}"
    );
    modules(&folder, &[("Transformer", ""), ("Pooling", "1_Pooling")]);
    folder.write(
        "1_Pooling/config.json",
        "{\"word_embedding_dimension\": 24, \"pooling_mode_cls_token\": \"yes\"}",
    );
    folder.refuses(&["1_Pooling/config.json: pooling_mode_cls_token = \"yes\""]);
}
