//! What a folder of an encoder holds is used, refused by name, or told of.

use std::collections::BTreeMap;
use std::fs;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use topkima::base::notice::Weight;
use topkima::study::model::{Encoder, EncoderShape, Pooling};

use crate::own::Folder;
use crate::setup::{encoder, reference};

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

/// Tensors of one fault are one line, tensors of two shards name both.
#[test]
fn many_tensors_with_one_fault_are_one_line() {
    let folder = Folder::new();
    let all = tensors("bert");
    let doubled: BTreeMap<String, Tensor> = all
        .iter()
        .map(|(name, (_, shape, data))| {
            let bytes = data.iter().flat_map(|byte| [*byte, 0]).collect();
            (name.clone(), (Dtype::F64, shape.clone(), bytes))
        })
        .collect();
    let count = doubled.len();
    fs::write(folder.path().join("model.safetensors"), file(&doubled)).unwrap();
    let (output, _) = folder.run(&[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains(&format!(
            "has dtype F64, as {} tensors more; weights are F32, F16 or BF16",
            count - 1
        )),
        "{said}"
    );
    assert_eq!(
        said.lines().filter(|line| line.contains("F64")).count(),
        1,
        "{said}"
    );
    assert!(!said.contains("/./"), "{said}");
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let mut map = serde_json::Map::new();
    let last = all.keys().last().unwrap();
    for name in all.keys() {
        let part = if name == last { "b" } else { "a" };
        map.insert(name.clone(), format!("{part}.safetensors").into());
    }
    for part in ["a", "b"] {
        fs::write(
            folder.path().join(format!("{part}.safetensors")),
            file(&all),
        )
        .unwrap();
    }
    let index = serde_json::json!({"weight_map": map});
    folder.write("model.safetensors.index.json", &index.to_string());
    folder.refuses(&[
        "index.json: weight_map = ",
        "stands in a.safetensors and in b.safetensors",
    ]);
    folder.write(
        "model.safetensors",
        "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 4\n",
    );
    folder.refuses(&["model.safetensors", "git-lfs", "git lfs pull"]);
}

/// What lies beside an encoder and nothing reads is named; what says nothing to a program is not.
#[test]
fn files_that_nothing_reads_are_named() {
    let folder = Folder::new();
    let (good, said) = crate::meant::checked(&folder);
    assert!(good && !said.contains("not read"), "{said}");
    for name in [
        "README.md",
        ".gitattributes",
        "LICENSE",
        "training_args.bin",
        "pytorch_model.bin",
    ] {
        folder.write(name, "x");
    }
    let (good, said) = crate::meant::checked(&folder);
    assert!(
        good && said.contains(": pytorch_model.bin, training_args.bin: not read"),
        "{said}"
    );
    assert!(
        !said.contains("README") && !said.contains("SetFit"),
        "{said}"
    );
    folder.write("model_head.pkl", "x");
    folder.write("config_setfit.json", "{}");
    let (good, said) = crate::meant::checked(&folder);
    assert!(
        good && said.contains("a head of SetFit lies beside the encoder and is not read"),
        "{said}"
    );
    assert!(
        said.contains(": config_setfit.json, model_head.pkl, pytorch_model.bin"),
        "{said}"
    );
}

/// A word of two lines has the number of the last, as Hugging Face's tokenizer gives it.
#[test]
fn a_word_that_stands_twice_in_a_vocabulary_is_told() {
    let folder = Folder::new();
    let words = crate::own::vocabulary(50);
    let twice = words.replacen("w7\n", "w3\n", 1);
    folder.write("vocab.txt", &twice);
    let (good, said) = crate::meant::checked(&folder);
    assert!(good, "{said}");
    // Five special words come first: w3 is line 9, w7 line 13.
    assert!(
        said.contains(
            "vocab.txt: \"w3\" stands in line 9 and again in line 13: the last line is taken"
        ),
        "{said}"
    );
    let read = topkima::study::model::Words::uncased(&twice).unwrap();
    assert_eq!(read.encode("w3", 9), [2, 12, 3]);
}

#[test]
fn a_key_that_stands_twice_in_any_file_of_the_folder_is_refused() {
    let folder = Folder::new();
    let config = fs::read_to_string(folder.path().join("config.json")).unwrap();
    for (name, text) in [
        (
            "config.json",
            config
                .replacen('{', "{\"num_attention_heads\": 2,", 1)
                .as_str(),
        ),
        (
            "tokenizer_config.json",
            "{\"do_lower_case\": true, \"do_lower_case\": false}",
        ),
        (
            "special_tokens_map.json",
            "{\"cls_token\": \"[CLS]\", \"cls_token\": \"[CLS]\"}",
        ),
        (
            "sentence_bert_config.json",
            "{\"max_seq_length\": 8, \"max_seq_length\": 9}",
        ),
    ] {
        let folder = Folder::new();
        folder.write(name, text);
        folder.refuses(&[name, "stands twice"]);
    }
}

/// Rows of a classifier and names of classes of one model are as many; without a word of them the rows count.
#[test]
fn a_classifier_has_a_row_for_each_class_that_the_config_names() {
    let folder = Folder::new();
    let config = fs::read(folder.path().join("config.json")).unwrap();
    assert_eq!(tensors("bert")["classifier.weight"].1[0], 3);
    let say = |keys: serde_json::Value| {
        let mut tree: serde_json::Value = serde_json::from_slice(&config).unwrap();
        let table = tree.as_object_mut().unwrap();
        table.retain(|key, _| !["num_labels", "id2label"].contains(&key.as_str()));
        table.extend(keys.as_object().unwrap().clone());
        folder.write("config.json", &tree.to_string());
    };
    let two = serde_json::json!({"0": "a", "1": "b"});
    let three = serde_json::json!({"0": "a", "1": "b", "2": "c"});
    for (keys, said) in [
        (
            serde_json::json!({"num_labels": 2}),
            "num_labels = 2 classes",
        ),
        (
            serde_json::json!({"_num_labels": 4}),
            "_num_labels = 4 classes",
        ),
        (
            serde_json::json!({"num_labels": 3, "id2label": two}),
            "id2label = 2 classes",
        ),
    ] {
        say(keys);
        folder.refuses(&["config.json", said, "has 3 rows, one a class"]);
    }
    for keys in [
        serde_json::json!({}),
        serde_json::json!({"num_labels": 3}),
        serde_json::json!({"num_labels": 2, "id2label": three}),
    ] {
        say(keys);
        crate::meant::taken(&folder);
    }
}

/// Three layers of four heads: three numbers are one a layer, and a k of the longest text leaves nothing out.
#[test]
fn numbers_a_layer_and_a_k_of_all_tokens_are_told() {
    let folder = Folder::new();
    let said = |set: &str| {
        let text = crate::own::EXPERIMENT.replace(
            "DEVICES",
            &crate::setup::root()
                .join("device_params")
                .display()
                .to_string(),
        );
        let text = text.replace("[sweep]\n\"topk.k\" = [1, 4]\n", set);
        folder.write("own.toml", &text);
        let (good, said) = crate::meant::checked(&folder);
        assert!(good, "{said}");
        said
    };
    assert!(!said("[topk]\nk = 4\n").contains("one a layer"));
    let layers =
        said("[topk]\nk = [2, 3, 4]\n[ramp]\nfull_scale = { per-head = [3.0, 4.0, 5.0] }\n");
    for key in ["topk.k", "ramp.full_scale.per-head"] {
        let words = format!("{key}: its 3 numbers are taken one a layer, for all 4 heads of it");
        assert!(layers.contains(&words), "{layers}");
    }
    let whole = said("[topk]\nk = 13\n");
    assert!(
        whole.contains("topk.k = 13: no sample has more than 13 tokens, so no key is left out"),
        "{whole}"
    );
}

/// A full scale of a twentieth clips most of what heads score, and the run says so; one of 48 tells nothing apart.
#[test]
fn a_full_scale_that_misses_the_scores_of_an_encoder_is_told() {
    let folder = Folder::new();
    let said = |scores: &str| {
        let set = format!("ramp.full_scale={{ scores = {scores} }}");
        let out = folder.path().join(format!("out{scores}"));
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_topkima"))
            .args(["run", "--trials", "1", "--out"])
            .arg(out)
            .arg(folder.path().join("own.toml"))
            .args(["--set", &set])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said("0.05").contains("of the live scores lie above the ramp's start"));
    assert!(said("48.0").contains("of the queries no score reaches the ramp's last step but one"));
}
