//! A wrong file is refused with its name, its key and a reason; a right one needs no Rust.

use super::{House, loopback, source};
use heyan_ports::outward::{OutsideSystems, SourceFault};

fn refusal(text: &str) -> (String, String) {
    let house = House::new();
    house.write("people.toml", text);
    let error = house.load().err().unwrap_or_else(|| panic!("loaded: {text}"));
    assert!(error.file.ends_with("people.toml"));
    (error.key, error.reason)
}

#[test]
fn each_wrong_key_is_named() {
    let good = source(8080, "");
    let head = "role = \"source\"\nkind = \"http\"\n";
    for (from, to, key) in [
        (head, "role = \"source\"\nkind = \"kafka\"\n", "kind"),
        (head, "role = \"source\"\nkind = \"file\"\n", "kind"),
        (head, "role = \"spring\"\nkind = \"http\"\n", "role"),
        (head, "role = \"source\"\n", "-"),
        ("dataset = \"natural-person\"\n", "", "dataset"),
        ("\"natural-person\"", "\"nothing\"", "dataset"),
        ("dataset = ", "interval_s = 1\ndataset = ", "interval_s"),
        ("dataset = ", "interval = 1\ndataset = ", "interval"),
        (
            "[request]",
            "[limits]\ntotal_timeout_ms = 0\n[request]",
            "limits.total_timeout_ms",
        ),
        (
            "[request]",
            "[limits]\ntotal_timeout = 5\n[request]",
            "limits.total_timeout",
        ),
        (
            "[request]",
            "[limits]\nanswer_bytes_max = \"1\"\n[request]",
            "limits.answer_bytes_max",
        ),
        (
            "[request]",
            "[limits.breaker]\nfailures = 0\n[request]",
            "limits.breaker.failures",
        ),
        ("[request]", "[sql]\n[request]", "sql"),
        ("[request]", "[poll]\nnext_pointer = \"/n\"\n[request]", "poll"),
        (
            "[request]",
            "[auth]\nscheme = \"api_key\"\nkey_file = \"k\"\n[request]",
            "auth.header",
        ),
        ("ports = [8080]", "ports = [8081]", "request.url"),
        ("ports = [8080]", "ports = [0]", "targets.ports"),
        ("plain_http_networks = [\"127.0.0.0/8\"]\n", "", "request.url"),
        (
            "\nnetworks = [\"127.0.0.0/8\"]",
            "\nnetworks = [\"127.0.0.1/8\"]",
            "targets.networks",
        ),
        ("{subject.id_number}", "{subject.name}", "request.body"),
        ("success = [\"0\"]\n", "success = []\n", "answer.success"),
        ("not_found = [\"1\"]", "not_found = [\"0\"]", "answer.success"),
        ("code_pointer = \"/code\"\n", "", "answer.code_pointer"),
        ("fields = { name = \"/xm\" }", "fields = {}", "answer.fields"),
        ("fields = { name", "fields = { age", "answer.fields.age"),
        ("[answer]\n", "[answer]\nmode = \"receipt\"\n", "answer.mode"),
        ("[answer]\n", "[answer]\nmode = \"verdict\"\n", "answer.verdicts"),
        ("zh = \"测试\"", "zh = \"\"", "title"),
    ] {
        assert!(good.contains(from), "{from}");
        let (got, reason) = refusal(&good.replacen(from, to, 1));
        assert!(
            got.starts_with(key) || (got == "-" && reason.contains(key)),
            "{key}: got {got}: {reason}"
        );
    }
    let house = House::new();
    house.write("people.toml", &good);
    assert!(house.load().unwrap().is_live("natural-person"));
}

#[test]
fn a_secret_in_the_file_is_an_unknown_key() {
    let (key, reason) = refusal(&source(8080, "[auth]\nscheme = \"bearer\"\ntoken = \"s3cret\"\n"));
    assert!(
        key.starts_with("auth") && reason.contains("token") && !reason.contains("s3cret"),
        "{key}: {reason}"
    );
}

#[test]
fn names_of_files_are_names_of_connectors() {
    let house = House::new();
    house.write("People Register.toml", &source(8080, ""));
    assert!(house.load().is_err_and(|error| error.reason.contains("a-z")));
    let house = House::new();
    house
        .write("a.toml", &source(8080, ""))
        .write("b.toml", &source(8081, ""))
        .write("c.toml.off", "nonsense");
    let error = house.load().err().unwrap();
    assert!(
        error.file.ends_with("b.toml") && error.key == "dataset" && error.reason.contains("another source already: a")
    );
}

#[tokio::test]
async fn databases_and_folders_that_are_not_there_yet_are_faults_and_not_refusals() {
    let title = "title = { zh = \"库\", en = \"Base\" }\n";
    let sql = format!(
        "role = \"source\"\nkind = \"sql\"\ndataset = \"legal-entity\"\n{title}[sql]\nengine_url_file = \"url\"\n\
         query = \"select n from firms where c = {{subject.uscc}}\"\ncolumns = {{ name = \"n\" }}\n"
    );
    let file = format!(
        "role = \"feed\"\nkind = \"file\"\ndataset = \"legal-entity\"\nagency = \"a\"\n{title}[file]\nfolder = \"inbox\"\n\
         format = \"ndjson\"\n"
    );
    let house = House::new();
    house.write("firms.toml", &sql).write("inbox.toml", &file);
    let set = house.load().unwrap();
    let firm = [("uscc".to_owned(), "91340200MA0000000M".to_owned())];
    assert!(matches!(
        set.ask("legal-entity", &firm).await,
        Err(SourceFault::Setup(_))
    ));
    assert!(matches!(set.poll("inbox", None).await, Err(SourceFault::Setup(_))));
    house.secret("url", "sqlite://nowhere.db");
    std::fs::create_dir(house.path().join("inbox")).unwrap();
    assert!(matches!(
        set.ask("legal-entity", &firm).await,
        Err(SourceFault::Connect | SourceFault::Setup(_))
    ));
    assert!(set.poll("inbox", None).await.unwrap().records.is_empty());
    for (from, to, key) in [
        ("{subject.uscc}", "{subject.nobody}", "sql.query"),
        ("{subject.uscc}", "1", "sql.query"),
        ("name = \"n\"", "nobody = \"n\"", "sql.columns.nobody"),
        ("[sql]", "[targets]\n[sql]", "targets"),
    ] {
        assert_eq!(refusal(&sql.replacen(from, to, 1)).0, key);
    }
    let webhook = format!(
        "role = \"sink\"\nkind = \"webhook\"\ndatasets = [\"legal-entity\"]\n{title}[webhook]\nurl = \"https://h.example/\"\n\
         secret_file = \"s\"\n"
    );
    assert_eq!(refusal(&webhook).0, "kind");
    assert!(loopback(1).contains("127.0.0.0/8"));
}
