use super::*;
use crate::error::with_place;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Doc {
    version: u64,
    bandwidth: Option<f64>,
    list: Option<Vec<f64>>,
    count: Option<u64>,
    between: Option<[String; 2]>,
}

fn failure(text: &str) -> (String, Option<String>) {
    let error = Document::parse("f.yaml", text)
        .and_then(|it| it.read::<Doc>())
        .unwrap_err();
    (with_place(&error), error.help())
}

#[test]
fn unknown_keys_are_located_and_corrected() {
    let (message, help) = failure("version: 1\nbandwith: 3\n");
    assert!(
        message.starts_with("f.yaml:2:1: unknown field `bandwith`"),
        "{message}"
    );
    assert_eq!(help.as_deref(), Some("did you mean `bandwidth`?"));
}

#[test]
fn types_are_told_in_words() {
    let whole = "a whole number from 0 to 18446744073709551615";
    for (text, said) in [
        (
            "3",
            "1:1: the number 3 stands where a map of keys and values is wanted".to_owned(),
        ),
        (
            "[1]",
            "1:1: a list stands where a map of keys and values is wanted".into(),
        ),
        (
            "text",
            "1:1: the text \"text\" stands where a map of keys and values is wanted".into(),
        ),
        (
            "version: 1\nlist: 3\n",
            "2:7: list: the number 3 stands where a list is wanted".into(),
        ),
        (
            "version: 1\nlist: [a]\n",
            "2:8: list[0]: the text \"a\" stands where a number is wanted".into(),
        ),
        (
            "version: 1\nlist: [true]\n",
            "2:8: list[0]: `true` stands where a number is wanted".into(),
        ),
        (
            "version: 1\nlist: [{}]\n",
            "2:8: list[0]: a map of keys and values stands where a number is wanted".into(),
        ),
        (
            "version: 1\ncount: 99999999999999999999\n",
            format!("2:8: count: the number 99999999999999999999 stands where {whole} is wanted"),
        ),
        (
            "version: 1\ncount: -1\n",
            format!("2:8: count: the number -1 stands where {whole} is wanted"),
        ),
        (
            "version: 1\ncount: 6.5\n",
            format!("2:8: count: the number 6.5 stands where {whole} is wanted"),
        ),
        (
            "version: 1\nbetween: [a]\n",
            "2:10: between: a list of 1 stands where a list of 2 is wanted".into(),
        ),
    ] {
        assert_eq!(failure(text).0, format!("f.yaml:{said}"), "{text}");
    }
}

#[test]
fn versions() {
    assert!(failure("bandwidth: 3\n").0.contains("no `version`"));
    assert_eq!(
        failure("bandwidth: 3\nversion: 7\n").0,
        "f.yaml:2:10: this is version `7` of the format, and only version 1 is known"
    );
    assert!(failure("version: [\n").0.starts_with("f.yaml:"));
    assert!(failure("").0.starts_with("f.yaml:1:1: "));
    assert!(
        failure("version: 1\n---\nversion: 1\n")
            .0
            .starts_with("f.yaml:1:1: ")
    );
}

#[test]
fn keys_of_maps_are_there_once() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Maps {
        version: u64,
        tasks: BTreeMap<String, BTreeMap<String, u64>>,
        #[serde(default, deserialize_with = "unique")]
        peak: BTreeMap<cost::workload::DType, u64>,
    }
    let failure = |text: &str| {
        let error = Document::parse("f.yaml", text)
            .and_then(|it| it.read::<Maps>())
            .unwrap_err();
        (with_place(&error), error.help().unwrap_or_default())
    };
    let help = "keep one of them, or give one another name".to_owned();
    // The reader itself says which map it is.
    for (text, said) in [
        (
            "version: 1\ntasks:\n  python: { a: 1 }\n  rust: {}\n  python: {}\n",
            "f.yaml:5:3: tasks: `python` is there twice",
        ),
        (
            "version: 1\ntasks:\n  python: { f32: 1, i8: 2, f32: 1 }\n",
            "f.yaml:3:28: tasks.python: `f32` is there twice",
        ),
        (
            "version: 1\ntasks: { \"1\": {}, 1: {} }\n",
            "f.yaml:2:19: tasks: `1` is there twice",
        ),
    ] {
        assert_eq!(failure(text), (said.to_owned(), help.clone()));
    }
    // Another name of the same key; only its type knows.
    let (message, _) = failure("version: 1\ntasks: {}\npeak: { f32: 1, fp32: 2 }\n");
    assert!(
        message.starts_with("f.yaml:3:") && message.ends_with("`f32` is there twice"),
        "{message}"
    );
    // An anchor read twice is no key twice.
    let fine = "version: 1\ntasks: { a: &x { f32: 1 }, b: *x, c: { f32: 2 } }\n";
    assert_eq!(
        Document::parse("f.yaml", fine)
            .and_then(|it| it.read::<Maps>())
            .unwrap()
            .tasks
            .len(),
        3
    );
}

#[test]
fn later_errors_find_their_place() {
    let text = "version: 1\nlist:\n  - 1\n  - {a: x, b: y}\n";
    let document = Document::parse("f.yaml", text).unwrap();
    let locate = |path: &[Step<'_>]| {
        let at = document.locate(path);
        (at.line, at.column)
    };
    assert_eq!(
        locate(&[Step::Key("list"), Step::Item(1), Step::Key("b")]),
        (4, 15)
    );
    assert_eq!(locate(&[Step::Key("list"), Step::Item(0)]), (3, 5));
    // What is not there is reported at the value that should have held it.
    assert_eq!(
        locate(&[Step::Key("list"), Step::Item(1), Step::Key("z")]),
        (4, 5)
    );
}
