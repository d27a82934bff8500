"""Words, identifiers and forms of numbers that `city_maker.py` makes its city of."""

from __future__ import annotations

SURNAMES = "王李刘陈杨周吴徐孙朱林郭罗梁宋唐许韩冯邓曹彭曾肖田董潘袁"
# No two of these are forms of one character.
GIVEN = "安宁晨曦思远嘉怡若溪明浩然雨桐墨文博静雅志强丽娟建海燕春梅俊杰宇航欣悦"
# Surnames and their traditional forms: a person must look.
TRADITIONAL = {"刘": "劉", "陈": "陳", "杨": "楊", "吴": "吳", "孙": "孫", "罗": "羅", "许": "許", "韩": "韓", "冯": "馮", "邓": "鄧"}
SYLLABLES = ("麦麦提", "吐尔逊", "阿不都", "艾合买提", "古丽", "热合曼", "买买提", "卡德尔")
ETHNICITIES = ("汉", "回", "满", "苗", "土家", "蒙古", "壮")
DIVISIONS = {"镜湖区": "340202", "鸠江区": "340207", "弋江区": "340209", "湾沚区": "340210", "繁昌区": "340212"}
ROADS = ("中山路", "北京中路", "长江中路", "九华山路", "赭山西路", "花津南路", "银湖北路", "天门山东路", "文化路", "黄山中路")
TRADES = ("科技", "建材", "餐饮管理", "物流", "机械", "电子商务", "园林", "医药")
BRANDS = ("江城", "云帆", "启航", "明远", "同舟", "瑞丰", "天成", "中和", "安泰", "博远")
LICENCES = ("食品经营许可证", "特种作业操作证", "教师资格证", "护士执业证书", "道路运输经营许可证")
USAGES = ("住宅", "车库", "商业", "办公")
DIGITS = "〇一二三四五六七八九"


def resident(division: str, born: tuple[int, int, int], order: int) -> str:
    """A made-up resident number with its check character (GB 11643)."""
    body = f"{division}{born[0]:04}{born[1]:02}{born[2]:02}{order:03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(w * int(c) for w, c in zip(weights, body)) % 11]


def credit_code(division: str, number: int) -> str:
    """A made-up credit code with both check characters (GB 11714, GB 32100)."""
    body = f"MA{number:06}"
    total = sum(w * int(c, 36) for w, c in zip((3, 7, 9, 10, 5, 8, 4, 2), body))
    first = f"91{division}{body}" + "0X987654321"[total % 11]
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(first))
    return first + alphabet[-total % 31]


def licence_identifier(serial: int) -> str:
    """A made-up licence identifier with its check character (GB/T 36904)."""
    parts = ("11340200003015021E002", "11340200003015021E", f"{serial:010}", "001")
    product = 36
    for c in "".join(parts):
        product = 2 * ((product + int(c, 36)) % 36 or 36) % 37
    return ".".join(("1.2.156.3005.2", *parts, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(37 - product) % 36]))


def han(number: int) -> str:
    """A number below 1,000 in words, as addresses have it."""
    hundreds, tens, ones = number // 100, number // 10 % 10, number % 10
    words = f"{DIGITS[hundreds]}百" if hundreds else ""
    if tens:
        words += ("" if tens == 1 and not hundreds else DIGITS[tens]) + "十"
    elif hundreds and ones:
        words += "零"
    return words + (DIGITS[ones] if ones else "")


def wide(text: str) -> str:
    """ASCII in full width."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
