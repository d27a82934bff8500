//! Heads of addresses, their relations, areas, and the changes of every year.

use super::*;

/// Every change of Anhui's divisions since 1980: what was before, what came of it, and whether one to one.
const ANHUI: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/vectors/divisions_anhui.csv"
));

fn rest(text: &str) -> &str {
    DivisionChain::take(text).1
}

fn relation(a: &str, b: &str) -> HeadRelation {
    relation_at(a, b, None)
}

fn relation_at(a: &str, b: &str, home: Option<&HomeCity>) -> HeadRelation {
    let (a, b) = (DivisionChain::take(a).0, DivisionChain::take(b).0);
    assert_eq!(a.relation(&b, home), b.relation(&a, home), "symmetric");
    a.relation(&b, home)
}

#[test]
fn heads_come_off_in_every_spelling() {
    for head in [
        "安徽省芜湖市镜湖区",
        "芜湖市镜湖区",
        "镜湖区",
        "安徽芜湖镜湖区",
        "安徽芜湖市镜湖区",
        "中国安徽省芜湖市镜湖区",
        "安徽省镜湖区",
        "芜湖镜湖区",
        "安徽省芜湖市安徽省芜湖市镜湖区",
        "镜湖区中国安徽芜湖镜湖区",
        "安徽芜湖镜湖区芜湖市镜湖区",
        "芜湖市市辖区镜湖区",
    ] {
        assert_eq!(rest(&format!("{head}北京中路2号")), "北京中路2号", "{head}");
        assert_eq!(relation(head, "安徽省芜湖市镜湖区"), HeadRelation::Same, "{head}");
    }
}

#[test]
fn roads_and_zones_that_begin_like_a_division_stay() {
    assert_eq!(rest("北京中路2号"), "北京中路2号");
    assert_eq!(rest("镜湖区芜湖路1号"), "芜湖路1号");
    assert_eq!(rest("安徽省芜湖市鸠江区安徽省江北产业集中区"), "安徽省江北产业集中区");
    assert_eq!(rest("安徽省芜湖市南陵县安徽南陵工业园区"), "安徽南陵工业园区");
    assert_eq!(rest("安徽省芜湖市湾沚区湾沚镇"), "湾沚镇");
    assert_eq!(rest("芜湖市北京中路2号"), "北京中路2号");
    assert_eq!(rest("芜湖市弋江中路2号"), "弋江中路2号");
    assert_eq!(rest("芜湖市无为市场路1号"), "无为市场路1号");
}

#[test]
fn a_name_without_its_last_word_is_only_supposed() {
    assert_eq!(rest("安徽芜湖镜湖北京中路2号"), "北京中路2号");
    assert_eq!(
        relation("安徽芜湖镜湖北京中路", "安徽省芜湖市镜湖区"),
        HeadRelation::Partial
    );
    assert_eq!(
        relation("安徽芜湖镜湖北京中路", "安徽省芜湖市鸠江区"),
        HeadRelation::Partial
    );
}

#[test]
fn renamed_and_moved_divisions_are_one_place() {
    for (old, new) in [
        ("芜湖市芜湖县", "芜湖市湾沚区"),
        ("芜湖市马塘区", "芜湖市弋江区"),
        ("繁昌县", "安徽省芜湖市繁昌区"),
        ("无为县", "芜湖市无为市"),
        ("巢湖市无为县", "无为市"),
        ("巢湖地区无为县", "芜湖市无为县"),
        ("安徽省巢湖市庐江县", "安徽省合肥市庐江县"),
        ("六安市寿县", "淮南市寿县"),
        ("安庆市枞阳县", "铜陵市枞阳县"),
        ("铜陵市铜陵县", "铜陵市义安区"),
        ("安庆市潜山县", "安庆市潜山市"),
        ("滁县地区嘉山县", "滁州市明光市"),
        ("莱芜市莱城区", "济南市莱芜区"),
        ("南通市海门市", "南通市海门区"),
        ("襄樊市", "襄阳市"),
        ("四川省涪陵地区垫江县", "重庆市垫江县"),
    ] {
        assert_eq!(relation(old, new), HeadRelation::Renamed, "{old} {new}");
    }
}

#[test]
fn merged_and_split_divisions_are_linked() {
    for (a, b) in [
        ("芜湖市三山区", "芜湖市弋江区"),
        ("新芜区", "镜湖区"),
        ("马鞍山市金家庄区", "马鞍山市花山区"),
        ("上海市闸北区", "上海市静安区"),
        ("南京市白下区", "南京市秦淮区"),
        ("苏州市平江区", "苏州市姑苏区"),
        ("苏州市平江区", "苏州市沧浪区"),
        ("杭州市下城区", "杭州市拱墅区"),
        ("杭州市余杭区", "杭州市临平区"),
        ("杭州市江干区", "杭州市钱塘区"),
        ("阜阳市阜阳县", "阜阳市颍州区"),
        ("铜陵市狮子山区", "铜陵市铜官区"),
        ("四褐山区", "鸠江区"),
    ] {
        assert_eq!(relation(a, b), HeadRelation::Linked, "{a} {b}");
    }
}

#[test]
fn other_divisions_are_different() {
    for (a, b) in [
        ("镜湖区", "鸠江区"),
        ("湾沚区", "弋江区"),
        ("芜湖县", "繁昌县"),
        ("南京市鼓楼区", "徐州市鼓楼区"),
        ("芜湖市", "合肥市"),
        ("芜湖市", "江苏省"),
        ("合肥市", "芜湖市镜湖区"),
        ("江苏省", "芜湖市镜湖区"),
        ("合肥市鼓楼区", "南京市鼓楼区"),
        ("阜阳市颍州区", "阜阳市颍东区"),
    ] {
        assert_eq!(relation(a, b), HeadRelation::Different, "{a} {b}");
    }
}

#[test]
fn what_is_left_out_is_open() {
    for (a, b) in [
        ("鼓楼区", "徐州市鼓楼区"),
        ("芜湖市", "芜湖市镜湖区"),
        ("", "芜湖市镜湖区"),
        ("", "芜湖市"),
        ("安徽省", "芜湖市"),
        ("合肥市镜湖区", "芜湖市镜湖区"),
        ("江苏省芜湖市镜湖区", "安徽省芜湖市镜湖区"),
    ] {
        assert_eq!(relation(a, b), HeadRelation::Partial, "{a} {b}");
    }
    assert_eq!(relation("合肥市巢湖市", "安徽省巢湖市"), HeadRelation::Same);
}

#[test]
fn the_home_city_may_be_left_out_and_decides_between_namesakes() {
    let wuhu = HomeCity::parse("芜湖市");
    assert_eq!(relation_at("", "安徽省芜湖市", wuhu.as_ref()), HeadRelation::Same);
    assert_eq!(relation_at("", "安徽省合肥市", wuhu.as_ref()), HeadRelation::Partial);
    assert_eq!(relation_at("", "芜湖市镜湖区", wuhu.as_ref()), HeadRelation::Partial);
    let nanjing = HomeCity::parse("320100");
    assert_eq!(
        relation_at("鼓楼区", "江苏省南京市鼓楼区", nanjing.as_ref()),
        HeadRelation::Same
    );
    assert_eq!(
        relation_at("鼓楼区", "徐州市鼓楼区", nanjing.as_ref()),
        HeadRelation::Different
    );
    assert_eq!(HomeCity::parse("3402"), wuhu);
    assert!(
        HomeCity::parse("镜湖区").is_none() && HomeCity::parse("340299").is_none() && HomeCity::parse("").is_none()
    );
}

#[test]
fn areas_hold_what_lies_in_them_by_code_and_by_name() {
    let inside =
        |place: &str, area: &str| NamedArea::parse(area).map(|area| DivisionChain::take(place).0.inside(&area));
    for area in [
        "340202",
        "3402",
        "340200",
        "34",
        "340000",
        "镜湖区",
        "芜湖市镜湖区",
        "芜湖市",
        "安徽省",
    ] {
        assert_eq!(inside("安徽省芜湖市镜湖区", area), Some(AreaRelation::Yes), "{area}");
    }
    assert_eq!(inside("芜湖县", "340210"), Some(AreaRelation::Yes));
    assert_eq!(inside("无为县", "芜湖市"), Some(AreaRelation::Yes));
    assert_eq!(inside("三山区", "弋江区"), Some(AreaRelation::Yes));
    assert_eq!(
        inside("弋江区", "三山区"),
        Some(AreaRelation::Unknown),
        "a predecessor is not certain"
    );
    assert_eq!(inside("余杭市", "临平区"), Some(AreaRelation::Unknown));
    assert_eq!(inside("镜湖区", "340207"), Some(AreaRelation::No));
    assert_eq!(inside("芜湖市", "镜湖区"), Some(AreaRelation::Unknown));
    assert_eq!(inside("鼓楼区", "南京市"), Some(AreaRelation::Unknown));
    assert_eq!(inside("", "南京市"), Some(AreaRelation::Unknown));
    assert!(
        NamedArea::parse("349999").is_none()
            && NamedArea::parse("北京中路").is_none()
            && NamedArea::parse("").is_none()
    );
}

#[test]
fn codes_of_living_people_lie_in_the_divisions_of_today() {
    let area = NamedArea::parse("湾沚区").unwrap();
    assert_eq!(DivisionChain::of_code(340_221).inside(&area), AreaRelation::Yes);
    assert_eq!(DivisionChain::of_code(340_202).inside(&area), AreaRelation::No);
    for code in [330_113, 330_114, 341_123, 349_001, 349_002, 342_623, 710_000, 830_000] {
        assert!(is_known(code), "{code}");
    }
    assert!(!is_known(349_999));
}

#[test]
fn every_years_changes_of_anhui_since_1980_are_known() {
    let mut wrong = Vec::new();
    for line in ANHUI.lines().skip(1) {
        let [year, old, new, kind] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        // A city that is not named cannot have changed.
        let wanted: &[HeadRelation] = match kind {
            "one_to_one" => &[HeadRelation::Renamed, HeadRelation::Same],
            _ => &[HeadRelation::Linked],
        };
        let found = relation(&format!("安徽省{old}"), &format!("安徽省{new}"));
        if !wanted.contains(&found) {
            wrong.push(format!("{year} {old} {new}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let years: std::collections::BTreeSet<_> = ANHUI.lines().skip(1).filter_map(|line| line.get(..4)).collect();
    assert_eq!((ANHUI.lines().count(), years.len()), (151, 26));
}
