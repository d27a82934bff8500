//! Ten applicants apply for every item that ships; what each must be told was judged by hand, in `item_table.tsv`.
//! Each cell has people, a firm, licences and an estate of its own: no cell's guesses count for another. A hub serves ten items, so
//! that few subjects are unknown or wrong to its one agency.

use std::collections::BTreeMap;

use heyan::domain::calendar::china_date;
use serde_json::{Map, Value, json};

use crate::{
    common::{TestHub, with_check_character},
    licence_kit::licence_id,
};

const TABLE: &str = include_str!("item_table.tsv");
const ADDRESS: &str = "安徽省芜湖市镜湖区北京中路2号3幢2单元501室";
const ME: &str = "王建国";
/// Items that one hub serves.
const ITEMS_OF_A_HUB: usize = 10;
const FIRM: &str = "芜湖长江隧道有限公司";

/// One row of the table.
struct Row<'t> {
    code: &'t str,
    name: &'t str,
    base: Vec<&'t str>,
    cells: Vec<&'t str>,
}

fn rows() -> Vec<Row<'static>> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let row = |line: &'static str| {
        let mut parts = line.split('\t');
        let (code, name) = (parts.next().unwrap(), parts.next().unwrap());
        let base = parts.next().unwrap().split(',').filter(|id| *id != "-").collect();
        let cells = parts.collect();
        Row {
            code,
            name,
            base,
            cells,
        }
    };
    lines.map(row).collect()
}

/// What one cell must come to.
struct Cell<'t> {
    outcome: &'static str,
    conditions: Vec<&'t str>,
    besides: Vec<&'t str>,
}

impl<'t> Cell<'t> {
    fn read(text: &'t str) -> Self {
        let outcome = match &text[..1] {
            "C" => "complete",
            "S" => "verified_so_far",
            "B" => "to_bring",
            "P" => "pending",
            "N" => "not_eligible",
            other => panic!("{other}"),
        };
        let (before, besides) = text[1..].split_once('+').unwrap_or((&text[1..], ""));
        let list = |text: &'t str| text.split(',').filter(|id| !id.is_empty()).collect::<Vec<_>>();
        Self {
            outcome,
            conditions: list(before.strip_prefix('!').unwrap_or("")),
            besides: list(besides),
        }
    }
}

fn resident(born: (i16, i8, i8), order: u32) -> String {
    with_check_character(&format!("340202{:04}{:02}{:02}{order:03}", born.0, born.1, born.2))
}

fn credit_code(number: u32) -> String {
    let body = format!("MA{number:06}");
    let value36 = |byte: u8| char::from(byte).to_digit(36).unwrap();
    let sum: u32 = body
        .bytes()
        .zip([3, 7, 9, 10, 5, 8, 4, 2])
        .map(|(byte, weight)| value36(byte) * weight)
        .sum();
    let first = format!("91340200{body}{}", char::from(b"0X987654321"[sum as usize % 11]));
    let alphabet = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let (mut sum, mut weight) = (0, 1);
    for byte in first.bytes() {
        sum += alphabet.iter().position(|known| *known == byte).unwrap() * weight;
        weight = weight * 3 % 31;
    }
    format!("{first}{}", char::from(alphabet[(31 - sum % 31) % 31]))
}

/// Somebody of a cell.
#[derive(Clone)]
struct Someone {
    number: String,
    name: &'static str,
    born: (i16, i8, i8),
    status: &'static str,
}

impl Someone {
    fn record(&self) -> Value {
        let (year, month, day) = self.born;
        json!({"subject": {"id_number": self.number}, "fields": {"name": self.name, "status": self.status,
            "birth_date": format!("{year:04}-{month:02}-{day:02}"), "domicile_address": ADDRESS}})
    }
}

/// An applicant of the table: who applies, with whom, and what the registers hold.
struct Applicant {
    column: usize,
    /// Makes the numbers of its cell its own.
    cell: usize,
    me: Someone,
    /// The one whom the records name.
    partner: Someone,
    /// Nobody's spouse, child or employee.
    stranger: Someone,
    firm: String,
}

impl Applicant {
    fn of(column: usize, row: usize, this_year: i16, is_child: bool) -> Self {
        let cell = row * 10 + column;
        let born = match column {
            4 => (this_year - 86, 3, 5),
            9 => (this_year - 15, 1, 2),
            _ => (this_year - 45, 3, 5),
        };
        let partner_born = match (is_child, column) {
            (true, 9) => (this_year - 6, 9, 1),
            (true, _) => (this_year - 6, 8, 31),
            (false, _) => (this_year - 44, 6, 7),
        };
        let order = u32::try_from(cell).unwrap() * 3;
        let someone = |born, order, name, is_dead: bool| Someone {
            number: resident(born, order),
            name,
            born,
            status: if is_dead { "死亡" } else { "正常" },
        };
        Self {
            column,
            cell,
            me: someone(born, order, ME, column == 3),
            partner: someone(partner_born, order + 1, "李秀英", column == 4),
            stranger: someone(partner_born, order + 2, "赵无关", false),
            firm: credit_code(order),
        }
    }

    /// The partner that is named in the request.
    fn named(&self) -> &Someone {
        match self.column {
            2 => &self.stranger,
            _ => &self.partner,
        }
    }

    async fn register(&self, hub: &TestHub) {
        let mut people = vec![&self.partner, &self.stranger];
        if self.column != 10 {
            people.push(&self.me);
            let status = if self.column == 3 { "注销" } else { "存续" };
            let fields = json!({"name": FIRM, "address": ADDRESS, "status": status});
            put(
                hub,
                "legal-entity",
                json!({"subject": {"uscc": self.firm}, "fields": fields}),
            )
            .await;
        }
        for someone in people {
            put(hub, "natural-person", someone.record()).await;
        }
    }

    /// The value that the request gives, and the one that the records of an applicant in order hold.
    fn values(&self, template: &str, kind: &str) -> (Option<String>, String) {
        let same = |text: &str| (Some(text.to_owned()), text.to_owned());
        let (named, partner) = (self.named(), &self.partner);
        let unless_unknown = |text: String| ((self.column != 9).then(|| text.clone()), text);
        match template {
            "$applicant.name" => {
                let (name, other) = match kind {
                    "firm" => (FIRM, "芜湖黄河隧道有限公司"),
                    _ => (ME, "王建华"),
                };
                let typed = if self.column == 8 { other } else { name };
                (Some(typed.to_owned()), name.to_owned())
            }
            "$applicant.id_number" => same(&self.me.number),
            "$applicant.uscc" => same(&self.firm),
            "$applicant.marriage_licence_no" => unless_unknown(format!("J340202-2010-{:06}", self.cell)),
            _ if template.ends_with(".id_number") => (Some(named.number.clone()), partner.number.clone()),
            _ if template.ends_with(".name") => (Some(named.name.to_owned()), partner.name.to_owned()),
            "$material.licence_no" => unless_unknown(format!("证字第{:06}号", self.cell)),
            "$material.certificate_no" => unless_unknown(format!("皖（2020）芜湖市不动产权第{:07}号", self.cell)),
            "$material.location" | "$material.address" | "$material.domicile_address" => same(ADDRESS),
            other => panic!("{other}"),
        }
    }

    /// What the register of a material holds, for an applicant in order but for what the column says.
    async fn register_material(&self, hub: &TestHub, material: &Value, kind: &str) {
        let dataset = material["dataset"].as_str().unwrap();
        if !matches!(dataset, "e-licence" | "real-estate") || self.column == 10 {
            return;
        }
        let held = |template: &str| self.values(template, kind).1;
        let value = |value: &Value| match value.as_str() {
            Some(text) if text.starts_with('$') => Some(held(text)),
            Some(text) => Some(text.to_owned()),
            None => None,
        };
        let mut members: Map<String, Value> = Map::new();
        for part in ["subject", "claims"] {
            for (name, given) in material[part].as_object().unwrap() {
                members.extend(value(given).map(|value| (name.clone(), value.into())));
            }
        }
        let record = if dataset == "e-licence" {
            let (status, until) = match self.column {
                6 => ("失效", "2020-01-01"),
                7 => ("吊销", "2099-12-31"),
                _ => ("有效", "2099-12-31"),
            };
            members.insert("status".to_owned(), status.into());
            members.insert("valid_until".to_owned(), until.into());
            let serial = format!("{:04}{:06}", self.cell, hub.ledger_size());
            json!({"subject": {"licence_id": licence_id(&serial, "001")}, "fields": members})
        } else {
            members.insert("usage".to_owned(), "住宅".into());
            if self.column == 5 {
                members.insert("owner_name".to_owned(), "孙他人".into());
                members.insert("owner_id".to_owned(), resident((1970, 1, 1), 9).into());
            }
            let subject = json!({"certificate_no": members.remove("certificate_no").unwrap()});
            json!({"subject": subject, "fields": members})
        };
        put(hub, dataset, record).await;
    }
}

async fn put(hub: &TestHub, dataset: &str, record: Value) {
    let (status, answer) = hub.put(dataset, &record).await;
    assert_eq!(status, 200, "{answer}");
}

/// Whether a material is needed with what the applicant declares: housing and premises are owned, a couple applies.
fn fact_of(material: &Value) -> Option<(String, String)> {
    let fact = material["when"]["fact"].as_str()?;
    let declared = match fact {
        "married" => "yes",
        "applicant" => "person",
        _ => "owned",
    };
    Some((fact.to_owned(), declared.to_owned()))
}

/// Sends the check of one applicant for one item.
async fn ask(hub: &TestHub, item: &Value, applicant: &Applicant) -> Value {
    let kind = item["applicant"].as_str().unwrap();
    let (mut given, mut materials, mut facts) = (Map::new(), Map::<String, Value>::new(), BTreeMap::new());
    given.insert("name".to_owned(), applicant.values("$applicant.name", kind).0.into());
    applicant.register(hub).await;
    for material in item["materials"].as_array().unwrap() {
        let fact = fact_of(material);
        facts.extend(fact.clone());
        let is_needed =
            |(_, declared): &(String, String)| material["when"]["is"].as_array().unwrap().contains(&json!(declared));
        if material["dataset"].is_null() || !fact.as_ref().is_none_or(is_needed) {
            continue;
        }
        applicant.register_material(hub, material, kind).await;
        let members = ["subject", "claims"].map(|part| material[part].as_object().unwrap());
        for template in members
            .into_iter()
            .flat_map(Map::values)
            .filter_map(|value| value.as_str().or(value["value"].as_str()))
        {
            let Some(place) = template.strip_prefix('$') else {
                continue;
            };
            if place.starts_with("today") || place.starts_with("day") {
                continue;
            }
            let Some(value) = applicant.values(template, kind).0 else {
                continue;
            };
            let id = material["id"].as_str().unwrap();
            let (target, name) = match place.split('.').collect::<Vec<_>>()[..] {
                ["applicant", name] => (&mut given, name),
                ["material", name] => (own(&mut materials, id), name),
                ["materials", other, name] => (own(&mut materials, other), name),
                _ => panic!("{place}"),
            };
            target.insert(name.to_owned(), value.into());
        }
    }
    let purpose = json!({"item_code": item["code"], "application_no": "办-2026-0001", "operator": "window-3"});
    let body = json!({"purpose": purpose, "applicant": given, "materials": materials, "facts": facts});
    let before = hub.ledger_size();
    let (status, answer) = hub
        .send("POST", "/v1/checks", Some(&hub.token("agency")), Some(&body))
        .await;
    assert_eq!(status, 200, "{answer}");
    // A mismatch that opens has an entry of its own.
    let told: Vec<&Value> = answer["materials"].as_object().unwrap().values().collect();
    let has_mismatch = |material: &&&Value| material["mismatch"].is_object();
    let opened = told.iter().filter(has_mismatch).count() as u64;
    // And a condition that is not met is none.
    let unmet = told.iter().filter(|material| material["reason"] == "condition_not_met");
    assert_eq!(unmet.filter(has_mismatch).count(), 0, "{answer}");
    assert_eq!(
        hub.ledger_size(),
        before + 1 + opened,
        "one entry for all materials: {answer}"
    );
    answer
}

fn own<'m>(materials: &'m mut Map<String, Value>, id: &str) -> &'m mut Map<String, Value> {
    let entry = materials.entry(id).or_insert_with(|| json!({}));
    entry.as_object_mut().unwrap()
}

fn named(lines: &Value) -> Vec<&str> {
    lines
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["material"].as_str().unwrap())
        .collect()
}

/// No sentence of a notice may be false.
fn check_sentences(item: &Value, answer: &Value, place: &str) {
    let notice = &answer["notice"];
    let (zh, en) = (notice["zh"].as_str().unwrap(), notice["en"].as_str().unwrap());
    let shown = format!("{place}\n{zh}\n{en}");
    assert_eq!(zh.lines().count(), en.lines().count(), "{shown}");
    for words in [
        item["agency_name"].as_str().unwrap(),
        "办-2026-0001",
        notice["date"].as_str().unwrap(),
        "设定依据：《",
        "行政复议",
    ] {
        assert!(zh.contains(words), "{words}: {shown}");
    }
    for words in [
        item["agency_name_en"].as_str().unwrap(),
        "办-2026-0001",
        "Legal basis: ",
        "administrative reconsideration",
    ] {
        assert!(en.contains(words), "{words}: {shown}");
    }
    let is_complete = answer["outcome"] == "complete";
    assert_eq!(zh.contains("您无需再提交任何材料"), is_complete, "{shown}");
    let list_complete = item["list_complete"] == true;
    assert_eq!(notice["list_complete"] == true, list_complete);
    assert!(list_complete || !zh.contains("未列出的材料无需您提交"), "{shown}");
    assert!(list_complete || !en.contains("anything that is not listed"), "{shown}");
    assert_eq!(zh.contains("不符合"), answer["outcome"] == "not_eligible", "{shown}");
    // The registers' own values stay there; the applicant's number is not repeated either.
    for value in ["孙他人", "李秀英", "死亡", "失效", "340202", "2020-01-01"] {
        assert!(!zh.contains(value) && !en.contains(value), "{value}: {shown}");
    }
    // Nobody is asked for the original that was lost, or for an identifier that no card shows.
    for words in [
        "证照标识",
        "原件以便",
        "携带原件",
        "Licence identifier",
        "bring the original",
    ] {
        assert!(!zh.contains(words) && !en.contains(words), "{words}: {shown}");
    }
}

/// Checks the ten cells of one row; tells which are not as they were judged.
async fn check_row(hub: &TestHub, number: usize, row: &Row<'_>) -> Vec<String> {
    assert_eq!(row.cells.len(), 10, "{}", row.name);
    let this_year = china_date(hub.hub.clock.now_us()).year();
    let path = format!("/v1/items/{}", row.code);
    let (status, item) = hub.send("GET", &path, Some(&hub.token("agency")), None).await;
    assert_eq!((status, &item["name"]), (200, &json!(row.name)), "{item}");
    let materials = item["materials"].as_array().unwrap().iter();
    let ids: Vec<&str> = materials.map(|one| one["id"].as_str().unwrap()).collect();
    let is_child = ids.contains(&"child") || ids.contains(&"birth");
    let mut wrong = Vec::new();
    for (column, cell) in (1..).zip(&row.cells) {
        let applicant = Applicant::of(column, number, this_year, is_child);
        let answer = ask(hub, &item, &applicant).await;
        let wanted = Cell::read(cell);
        let is_wanted = |id: &&str| row.base.contains(id) || wanted.besides.contains(id);
        let to_bring: Vec<&str> = ids.iter().copied().filter(|id| is_wanted(id)).collect();
        let notice = &answer["notice"];
        let told = (
            answer["outcome"].as_str().unwrap(),
            named(&notice["conditions"]),
            named(&notice["items"]),
        );
        let place = format!("{} for applicant {column}", row.name);
        if told != (wanted.outcome, wanted.conditions.clone(), to_bring) {
            wrong.push(format!("{place}: {cell}, but {told:?}: {:#}", notice["zh"]));
        }
        check_sentences(&item, &answer, &place);
    }
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_applicants_are_told_what_was_judged_by_hand_for_every_item() {
    let rows = rows();
    assert_eq!(rows.len(), 29);
    let mut wrong = Vec::new();
    for rows_of_a_hub in rows.chunks(ITEMS_OF_A_HUB) {
        // Ten applicants whose data are wrong on purpose, for one agency in one minute.
        let hub = TestHub::start_with(|config| {
            config.guess.agency_subjects_24_h_max = 1_000;
            config.guess.agency_subjects_30_days_max = 1_000;
            config.guess.agency_locks_24_h_max = 1_000;
        })
        .await;
        hub.add_parties().await;
        for (number, row) in rows_of_a_hub.iter().enumerate() {
            wrong.extend(check_row(&hub, number, row).await);
        }
        hub.stop().await;
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
