//! Texts of problems with well-formed JSON whose content the contract does not allow (HTTP 422).
//! The `errors` list says where by JSON pointer and why by code, never which value was sent.

use super::explain;

explain! {
INVALID_REQUEST
    meaning  "请求是合法的 JSON，但内容不符合接口约定；errors 逐条列出位置与原因。"
             "The request is JSON but does not follow the contract; errors lists each place and reason."
    cause    "同时存在多处问题，或问题不属于更具体的代码。"
             "There are several problems, or one that has no code of its own."
    caller   "按 errors 中的 pointer 逐处改正后重发。pointer 的写法如 #/claims/name。"
             "Correct each place that errors points to and send again. A pointer looks like #/claims/name."
    operator "若对接方升级后集中出现，请提供最新的 /openapi.json 供其比对。"
             "If it comes in numbers after an upgrade of the other side, give them the current /openapi.json."

UNKNOWN_MEMBER
    meaning  "请求中有接口约定之外的成员。"
             "The request has a member that the contract does not know."
    cause    "名称拼写错误（例如 claim 与 claims），大小写不同，或使用了别的版本的成员。忽略它可能让您以为某项已被核验，故拒绝。"
             "A misspelt name (claim for claims), another case, or a member of another version. To ignore it could make you believe that something was verified, so it is refused."
    caller   "按 pointer 删除或改正该成员。"
             "Remove or correct the member at the pointer."
    operator "无需处理。"
             "Nothing to do."

MISSING_MEMBER
    meaning  "缺少必需的成员。"
             "A required member is missing."
    cause    "例如 purpose 中没有 item_code、application_no 或 operator。没有使用事由的核验，一律不予受理。"
             "For example purpose lacks item_code, application_no or operator. Without a purpose nothing is verified."
    caller   "按 pointer 补上该成员。"
             "Add the member at the pointer."
    operator "无需处理。"
             "Nothing to do."

INVALID_TYPE
    meaning  "某个成员的类型不对，例如应为字符串而给了数字。"
             "A member has the wrong type, for example a number where a string belongs."
    cause    "标识、日期、金额没有写成字符串，或该给对象处给了数组、空值。"
             "Identifiers, dates or amounts are not strings, or an array or null stands where an object belongs."
    caller   "按 pointer 与 detail 改正类型。标识、编码、日期、金额均为字符串。"
             "Correct the type at the pointer. Identifiers, codes, dates and amounts are strings."
    operator "无需处理。"
             "Nothing to do."

INVALID_IDENTIFIER
    meaning  "核验对象的标识不可能成立，例如校验码不符或日期不存在；没有查询任何记录。"
             "The subject's identifier cannot be one: a wrong check character, an impossible date; no record was looked up."
    cause    "录入时多字、少字、错字，把字母 O 当作数字 0，或填错了证件类型。errors 中的 reason 说明是哪一项不符。"
             "Characters added, lost or mistyped, the letter O for the digit 0, or the wrong kind of document. The reason in errors says which rule failed."
    caller   "对照申请人的证件原件重新录入。校验码不符必是录入或证件有误，重试没有意义。"
             "Type it again from the original document. A wrong check character always means a slip or a bad document; retrying is pointless."
    operator "若某机构大量出现，检查其录入界面或接口字段是否错位、是否丢失了前导零或末位 X。"
             "If one agency has many, check whether its forms or field mapping are shifted, or lose leading zeros or the final X."

UNKNOWN_FIELD
    meaning  "该数据资源没有这个字段。"
             "The dataset has no such field."
    cause    "字段名拼写有误，或把另一数据资源的字段用在了这里。"
             "The field name is misspelt or belongs to another dataset."
    caller   "用 GET /v1/datasets/数据资源名称 查看字段表。"
             "See the fields with GET /v1/datasets/ followed by the dataset's name."
    operator "若字段确应存在，检查 schemas/datasets 中的定义以及运行中的规则版本。"
             "If it should exist, check the file in schemas/datasets and the rule version that is running."

INVALID_CLAIM
    meaning  "某一申报值无法用于比对。"
             "A claim cannot be compared."
    cause    "申报值为空、不是该字段的写法（如日期字段填了文字），或代码、名称不在代码表中。"
             "It is empty, not in a form that the field knows (words in a date field), or a code or label outside the code table."
    caller   "按 pointer 改正。日期可写 1997-05-30、1997年5月30日 等；没有申报值的字段请不要列入 claims。"
             "Correct it at the pointer. Dates may be 1997-05-30, 1997年5月30日 and so on; leave out fields without a claim."
    operator "无需处理。"
             "Nothing to do."

INVALID_PREDICATE
    meaning  "条件式核验的写法不正确，或该字段不支持这种条件。"
             "A predicate is malformed, or the field does not support this operator."
    cause    "op 不在允许之列，缺少 value，或对文字字段使用了 at_least 之类的大小比较。"
             "op is not among those allowed, value is missing, or an ordering such as at_least was used on a text field."
    caller   "写成 {\"op\":\"on_or_before\",\"value\":\"2008-11-22\"}。日期用 on_or_before、on_or_after，金额用 at_least、at_most，行政区划用 within。"
             "Write {\"op\":\"on_or_before\",\"value\":\"2008-11-22\"}. Use on_or_before and on_or_after for dates, at_least and at_most for amounts, within for divisions."
    operator "无需处理。"
             "Nothing to do."

INVALID_PURPOSE
    meaning  "使用事由不完整或不成立。"
             "The purpose is incomplete or cannot be right."
    cause    "事项编码、办件编号或经办人为空、过长，或格式不正确。"
             "Item code, application number or operator is empty, too long or malformed."
    caller   "填写真实的 item_code、application_no 与 operator。它们会进入存证日志，供事后核查。"
             "Give the real item_code, application_no and operator. They are entered in the ledger for later audit."
    operator "若某机构长期使用同一办件编号，请按滥用线索核查。"
             "If an agency keeps using one application number, look into possible misuse."

INVALID_RECORD
    meaning  "报送的记录不符合该数据资源的规范，未入库。"
             "The contributed record does not follow the dataset's schema and was not stored."
    cause    "缺少必填字段、格式或代码不符合规范，或含有规范以外的字段。"
             "A required field is missing, a format or code is off, or there are fields outside the schema."
    caller   "按 errors 逐条改正后重报。批量报送时，其他合格的记录已经入库，只需补报不合格的。"
             "Correct each entry of errors and contribute again. In a bulk load the good records are in; only the bad ones are needed."
    operator "用 heyan import 时，被拒收的行及原因在 FILE.rejected.ndjson。"
             "With heyan import the rejected rows and their reasons are in FILE.rejected.ndjson."

INVALID_VALUE
    meaning  "某个成员的值不在允许的范围内。"
             "The value of a member is outside what is allowed."
    cause    "不是列举的取值之一、数值越界，或格式（时间、网址等）不正确。"
             "Not one of the listed values, a number out of range, or a malformed time, address or the like."
    caller   "按 pointer 与 detail，对照 /docs 中该成员的取值改正。"
             "Correct it after the allowed values of that member in /docs."
    operator "无需处理。"
             "Nothing to do."

VALUE_TOO_LONG
    meaning  "某个值超过了长度上限。"
             "A value is longer than allowed."
    cause    "把整段文字或多个值放进了一个字段，或字段对应错位。"
             "A whole paragraph or several values in one field, or a shifted field mapping."
    caller   "按 pointer 核对，只填该字段本身的内容。"
             "Check the place at the pointer and send only what belongs there."
    operator "无需处理。"
             "Nothing to do."

TARGET_NOT_ALLOWED
    meaning  "系统不允许向这个地址推送，未作登记。reason 说明是哪一项不符。"
             "The hub may not push to this address; nothing was registered. `reason` names the part that does not fit."
    cause    "主机名、地址网段、端口或协议不在运维登记的范围内；或地址带有用户名、片段，或写成了数字形式。"
             "Host name, network, port or scheme is not among those that the operator listed; or the URL has a user name, a fragment or an address in figures."
    caller   "使用已登记的 https 地址；如地址无误，请运维登记。"
             "Use an https address that is listed; if the address is right, ask the operator to list it."
    operator "核实后在 [push] 的 hosts、networks、ports 中登记。未登记的一律不可达，这是有意为之。"
             "After checking it, list it in hosts, networks and ports of [push]. What is not listed is not reached, on purpose."

IDEMPOTENCY_KEY_REUSED
    meaning  "同一个 Idempotency-Key 用在了内容不同的请求上，未作处理。"
             "One Idempotency-Key was used with a different body; nothing was done."
    cause    "新操作沿用了旧键，或重试时内容（如时间戳）发生了变化。"
             "A new action kept an old key, or a retry changed its body, for example a timestamp."
    caller   "新操作换新键；重试必须保持内容逐字节一致。键至少保留 72 小时。"
             "Use a new key for a new action; a retry must be the same byte for byte. Keys are kept for at least 72 hours."
    operator "无需处理。"
             "Nothing to do."
}
