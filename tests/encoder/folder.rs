//! What a folder of an encoder holds is used, refused by name, or told of.

use std::collections::BTreeMap;
use std::fs;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use topkima::base::notice::Weight;
use topkima::study::model::{Encoder, EncoderShape, Pooling};

use crate::own::Folder;
use crate::setup::{array, encoder, reference};

/// A tensor as a file holds it.
pub type Tensor = (Dtype, Vec<usize>, Vec<u8>);

/// The tensors of a small encoder.
pub fn tensors(family: &str) -> BTreeMap<String, Tensor> {
    let bytes = fs::read(reference(family).join("model.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let own = file.tensors().into_iter();
    own.map(|(name, one)| {
        let tensor = (one.dtype(), one.shape().to_vec(), one.data().to_vec());
        (name, tensor)
    })
    .collect()
}

pub fn file(tensors: &BTreeMap<String, Tensor>) -> Vec<u8> {
    let views = tensors.iter().map(|(name, (dtype, shape, data))| {
        (name, TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

/// A tensor of zeros.
pub fn zeros(shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    (Dtype::F32, shape.to_vec(), vec![0; 4 * count])
}

fn shape(family: &str) -> EncoderShape {
    EncoderShape::read(&fs::read(reference(family).join("config.json")).unwrap()).unwrap()
}

fn read(family: &str, tensors: &BTreeMap<String, Tensor>) -> Result<Encoder, String> {
    let bytes = file(tensors);
    Encoder::assemble(&shape(family), Pooling::Class {}, &bytes).map_err(|wrong| {
        let lines: Vec<String> = wrong.0.iter().map(ToString::to_string).collect();
        lines.join("\n")
    })
}

fn renamed(family: &str, name: impl Fn(&str) -> String) -> BTreeMap<String, Tensor> {
    let own = tensors(family).into_iter();
    own.map(|(old, tensor)| (name(&old), tensor)).collect()
}

/// The same layers, whatever is said of the file.
fn same(one: &Encoder, family: &str) {
    let mut one = one.clone();
    let plain = encoder(&reference(family), Pooling::Class {});
    one.notices = plain.notices.clone();
    assert_eq!(one, plain, "{family}");
}

#[test]
fn names_of_before_2019_are_weights_and_biases() {
    let old = renamed("bert", |name| {
        let name = name.replace("LayerNorm.weight", "LayerNorm.gamma");
        name.replace("LayerNorm.bias", "LayerNorm.beta")
    });
    assert!(old.contains_key("bert.embeddings.LayerNorm.gamma"));
    let read_old = read("bert", &old).unwrap();
    same(&read_old, "bert");
    assert!(read_old.notices.is_empty());
    let mut both = old;
    let norm = both["bert.embeddings.LayerNorm.gamma"].clone();
    both.insert("bert.embeddings.LayerNorm.weight".to_owned(), norm);
    let said = read("bert", &both).unwrap_err();
    assert!(said.contains("which is the same tensor"), "{said}");
}

#[test]
fn what_savers_put_before_names_is_told_and_left_out() {
    for family in ["bert", "distilbert", "vit"] {
        for before in [
            "model.",
            "module.",
            "0.auto_model.",
            "_orig_mod.",
            "encoder.model.",
        ] {
            let saved = renamed(family, |name| format!("{before}{name}"));
            let found = read(family, &saved).unwrap();
            same(&found, family);
            let told = format!("{} names begin with `{before}`", saved.len());
            let notes = found.notices.of(Weight::Note);
            assert!(notes.len() == 1 && notes[0].starts_with(&told), "{notes:?}");
        }
        // An encoder saved bare is as good.
        let bare = renamed(family, |name| {
            name.strip_prefix(&format!("{family}."))
                .unwrap_or(name)
                .to_owned()
        });
        same(&read(family, &bare).unwrap(), family);
    }
}

#[test]
fn two_encoders_another_family_or_none_are_told_in_one_line() {
    let mut two = renamed("bert", |name| format!("query.{name}"));
    two.extend(renamed("bert", |name| format!("document.{name}")));
    let other = renamed("bert", |name| name.replace("bert.", "roberta."));
    let none = renamed("bert", |name| name.replace("word_embeddings", "words"));
    for (tensors, words) in [
        (
            two,
            "the file holds 2 encoders: names begin with `document.bert.`, `query.bert.`",
        ),
        (
            other,
            "the names begin with `roberta.`, and config.json speaks of a BERT encoder",
        ),
        (
            none,
            "no BERT encoder is without it; it holds 57 tensors: `bert.embeddings.",
        ),
    ] {
        let said = read("bert", &tensors).unwrap_err();
        assert!(said.contains(words) && !said.contains('\n'), "{said}");
    }
}

#[test]
fn tensors_of_no_layer_are_refused_by_what_they_are() {
    let query = "bert.encoder.layer.0.attention.self.query";
    for (add, shape, words) in [
        (
            format!("{query}.lora_A.weight"),
            &[2, 24][..],
            "1 tensor (`bert.encoder.layer.0.attention.self.query.lora_A.weight`) of adapters (LoRA",
        ),
        (
            "bert.encoder.layer.0.output.adapters.x.adapter_down.0.weight".to_owned(),
            &[2, 24],
            "of adapters or prompts between or before the layers",
        ),
        (
            "prefix_encoder.embedding.weight".to_owned(),
            &[2, 24],
            "of adapters or prompts",
        ),
        (
            "bert.encoder.layer.0.attention.self.distance_embedding.weight".to_owned(),
            &[31, 6],
            "of relative position embeddings",
        ),
        (
            "bert.encoder.layer.0.crossattention.self.query.weight".to_owned(),
            &[24, 24],
            "of attention to a second text",
        ),
        (
            format!("{query}.weight_scale"),
            &[1],
            "of weights that were quantised",
        ),
        (
            format!("{query}.parametrizations.weight.original0"),
            &[1],
            "of weights in several parts",
        ),
        (
            "bert.embeddings.extra_embeddings.weight".to_owned(),
            &[2, 24],
            "1 tensor (`bert.embeddings.extra_embeddings.weight`) of no layer that is computed",
        ),
        (
            "bert.encoder.layer.0.attention.self.norm.weight".to_owned(),
            &[24],
            "of no layer that is computed",
        ),
    ] {
        let mut more = tensors("bert");
        more.insert(add, zeros(shape));
        let said = read("bert", &more).unwrap_err();
        assert!(said.contains(words) && !said.contains('\n'), "{said}");
    }
    // Many are counted; the first are named.
    let mut more = tensors("bert");
    for at in 0..10 {
        more.insert(format!("bert.extra.{at}"), zeros(&[1]));
    }
    let said = read("bert", &more).unwrap_err();
    let words = "10 tensors (`bert.extra.0`, `bert.extra.1`, `bert.extra.2` and 7 more)";
    assert!(said.contains(words), "{said}");
    // An adapter that wraps layers is not told as layers that are missing.
    let wrapped = renamed("bert", |name| {
        name.replace("query.weight", "query.base_layer.weight")
    });
    let said = read("bert", &wrapped).unwrap_err();
    assert!(
        said.contains("of adapters") && !said.contains("no tensor of this name"),
        "{said}"
    );
}

#[test]
fn buffers_are_taken_and_heads_of_other_tasks_are_told() {
    let counted = |counts: &[i64]| -> Tensor {
        let bytes = counts.iter().flat_map(|count| count.to_le_bytes());
        (Dtype::I64, vec![1, counts.len()], bytes.collect())
    };
    let position = "bert.embeddings.position_ids".to_owned();
    let mut whole = tensors("bert");
    whole.insert(position.clone(), counted(&(0..16).collect::<Vec<_>>()));
    whole.insert(
        "bert.embeddings.token_type_ids".to_owned(),
        counted(&[0; 16]),
    );
    let found = read("bert", &whole).unwrap();
    same(&found, "bert");
    assert!(found.notices.is_empty());
    // As RoBERTa counts: from 2.
    whole.insert(position, counted(&(2..18).collect::<Vec<_>>()));
    let said = read("bert", &whole).unwrap_err();
    assert!(
        said.contains("position_ids = 2: element 0 must be its own number"),
        "{said}"
    );

    let mut heads = tensors("bert");
    heads.remove("classifier.weight");
    heads.remove("classifier.bias");
    heads.insert("cls.predictions.bias".to_owned(), zeros(&[50]));
    heads.insert("qa_outputs.weight".to_owned(), zeros(&[2, 24]));
    let found = read("bert", &heads).unwrap();
    let notes = found.notices.of(Weight::Note).join("\n");
    assert!(found.classifier.is_none());
    for words in [
        "2 tensors (`bert.pooler.dense.bias`, `bert.pooler.dense.weight`) of the pooler",
        "2 tensors (`cls.predictions.bias`, `qa_outputs.weight`) of a head that is not computed",
    ] {
        assert!(notes.contains(words), "{notes}");
    }
}

#[test]
fn shards_are_one_model() {
    let folder = Folder::new();
    let whole = folder.run(&[]);
    assert!(whole.0.status.success(), "{whole:?}");
    let rows = fs::read(whole.1.join("rows.csv")).unwrap();
    let all = tensors("bert");
    let mut parts = [BTreeMap::new(), BTreeMap::new()];
    let mut map = serde_json::Map::new();
    for (at, (name, tensor)) in all.into_iter().enumerate() {
        map.insert(name.clone(), format!("part-{}.safetensors", at % 2).into());
        parts[at % 2].insert(name, tensor);
    }
    let index = serde_json::json!({"metadata": {"total_size": 1}, "weight_map": map});
    folder.write("model.safetensors.index.json", &index.to_string());
    for (at, part) in parts.iter().enumerate() {
        fs::write(
            folder.path().join(format!("part-{at}.safetensors")),
            file(part),
        )
        .unwrap();
    }
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let (output, out) = folder.run(&["--threads", "1"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read(out.join("rows.csv")).unwrap(), rows);
    let wrong = index
        .to_string()
        .replacen("classifier.bias", "classifier.bias2", 1);
    folder.write("model.safetensors.index.json", &wrong);
    folder.refuses(&["index.json: weight_map = classifier.bias2: is not in part-"]);
    fs::remove_file(folder.path().join("part-1.safetensors")).unwrap();
    folder.write("model.safetensors.index.json", &index.to_string());
    folder.refuses(&["part-1.safetensors", "cannot be opened"]);
}

#[test]
fn weights_of_other_programs_are_named_in_one_line() {
    let folder = Folder::new();
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    folder.refuses(&["model.weights", "cannot be opened"]);
    for (name, fix) in [
        ("tf_model.h5", "save_pretrained"),
        ("pytorch_model.bin", "s.save_file("),
        ("adapter_model.safetensors", "merge_and_unload"),
    ] {
        folder.write(name, "x");
        folder.refuses(&[&format!("the folder holds {name}, which is not read"), fix]);
        fs::remove_file(folder.path().join(name)).unwrap();
    }
}

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
            vec![step("activation.Tanh", true).take(&file(&layer)).unwrap()],
        ),
        (
            1,
            vec![
                step("linear.Identity", false).take(&file(&bare)).unwrap(),
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
        .take(&file(&layer))
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

/// Of Fashion-MNIST, as such a file is written for it.
#[test]
fn images_go_in_as_their_processor_says_or_are_refused() {
    use topkima::study::model::Pixels;
    let read = |text: &str| Pixels::read(text.as_bytes(), 28);
    for (text, mean, deviation) in [
        // (x / 255 - 0.2860) / 0.3530
        (
            r#"{"image_mean": [0.286], "image_std": [0.353]}"#,
            0.286,
            0.353,
        ),
        // (x - 127.5) / 127.5
        (
            r#"{"do_rescale": false, "image_mean": 127.5, "image_std": 127.5, "size": {"height": 28, "width": 28}}"#,
            0.5,
            0.5,
        ),
        // x / 127.5, not normalised
        (
            r#"{"rescale_factor": 0.00784313725490196, "do_normalize": false, "size": 28}"#,
            0.0,
            0.5,
        ),
    ] {
        let pixels = read(text).unwrap();
        assert!(pixels.agrees(mean, deviation).is_ok(), "{text}: {pixels:?}");
        let said = pixels.agrees(mean + 0.01, deviation).unwrap_err().0;
        assert!(
            said.len() == 1 && said[0].fix.contains("set task.images.mean = "),
            "{said:?}"
        );
        assert!(pixels.agrees(mean, deviation * 1.01).is_err());
    }
    for (text, words) in [
        (
            r#"{"size": 224}"#,
            "size = 224: images of 28 x 28 would be brought to another size",
        ),
        (
            r#"{"do_center_crop": true, "crop_size": {"height": 24, "width": 24}}"#,
            "crop_size",
        ),
        (r#"{"do_convert_rgb": true}"#, "do_convert_rgb = true"),
        (
            r#"{"image_mean": [0.1, 0.2, 0.3]}"#,
            "image_mean = [0.1,0.2,0.3]: must be one number",
        ),
        (r#"{"image_std": [0.0]}"#, "image_std"),
    ] {
        let said = read(text).unwrap_err().0[0].to_string();
        assert!(said.starts_with(words), "{said}");
    }
    let notes = read(r#"{"do_pad": true}"#).unwrap().notices;
    assert_eq!(notes.of(Weight::Note), ["the key `do_pad` is not used"]);
}
