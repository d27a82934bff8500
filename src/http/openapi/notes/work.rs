//! Operations of agencies and authorities: verification, records, mismatches, items, licences, pushes.

use super::*;

notes! {
verify
    summary "逐字段核验一个对象" "Verify one subject, field by field"
    text    "把申报值与权威记录逐字段比对。不返回记录中的值，不给分数：每个字段或一致、或须复核、或不一致。答复发出前已写入存证日志。\n\n- 授权未覆盖的字段答 `not_permitted`，不影响其他字段。\n- 授权不含 `existence` 的，“库中无此号”与“各字段均不一致”答复相同。\n- 标识不可能成立（校验码、日期）时答 422 `invalid_identifier`。"
            "Compares claims with the authoritative record, field by field. No value of the record is returned and there is no score: a field matches, needs a person, or does not match. The answer is in the ledger before it leaves.\n\n- A field that the grant does not cover gets `not_permitted`; the others are answered.\n- Without `existence` in the grant, \"no such record\" and \"every field differs\" are one answer.\n- An identifier that cannot be one (check character, date) gets 422 `invalid_identifier`."
    answer  "逐字段的结论。" "A verdict for each field."
    refuses &[BODY, JSON, PURPOSE, &[TooManyItems, InvalidValue, InvalidIdentifier, UnknownField, InvalidClaim, InvalidPredicate], GRANT, CEILING, STORE];
verify_batch
    summary "批量核验，至多 1000 条" "Verify up to 1,000 items"
    text    "各条按次序答复，共用一个事由与一条存证。有错的一条以 `problem` 答复，其余照常；只有请求整体有错才整批拒绝。"
            "Items are answered in order, with one purpose and one ledger entry. An item that is wrong gets a `problem`, the others are answered; only a request that is wrong as a whole is refused."
    answer  "每条一个结果，次序同请求。" "One result for each item, in order."
    refuses &[BODY, JSON, PURPOSE, &[TooManyItems]];
verify_stream
    summary "流式核验，长度不限" "Verify a stream of any length"
    text    "请求与答复均为 NDJSON，边收边答。首行为事由（及默认数据资源），其后每行一条；答复按次序每行一条，末行为统计与存证。坏行以 `problem` 答复，流继续。答复开始之后的故障以只含 `problem` 的末行告知：没有 `summary` 的流未完成。"
            "NDJSON both ways, answered while it arrives. The first line states the purpose (and a dataset), each further line is an item; each gets a line in order, and the last line sums up. A bad line gets a `problem` and the stream goes on. A failure after the answers began is told by a last line with `problem` alone: a stream without `summary` is incomplete."
    answer  "每条一行，末行为统计。" "A line for each item, then the summary."
    refuses &[BODY, JSON, PURPOSE];
explain
    summary "一次核验为何如此答复" "Why a verification was answered as it was"
    text    "按当时的规则与记录版本说明各字段。只有脱敏值；机构须有 `read`，审计人员看不到记录值。他人的核验与不存在的同样答 404。"
            "By the rules and the record version of that time. Masked values only; an agency needs `read`, an auditor sees no record value. Another agency's verification gets 404 as if there were none."
    answer  "逐字段的说明。" "An explanation for each field."
    refuses &[&[VerificationNotFound, DatasetNotFound], GRANT, STORE];
get_receipt
    summary "取核验回执" "Get the receipt of an answer"
    text    "回执证明答复已记入存证日志，凭 `/log/key` 的公钥即可离线验证：`heyan receipt verify`。`Accept: text/plain` 取 C2SP tlog-proof 文本。检查点未产生前答 202。"
            "Proves that the answer is in the ledger, offline and with the public key of `/log/key` alone: `heyan receipt verify`. `Accept: text/plain` gives the C2SP tlog-proof text. Before the covering checkpoint is made, the answer is 202."
    answer  "回执。" "The receipt."
    refuses &[&[InvalidHeader, ReceiptNotFound, NotAcceptable]];
list_datasets
    summary "数据资源目录" "List the datasets"
    text    "每个数据资源的标识、字段、比对方法、共享类型、数据源部门与更新周期。"
            "Identifiers, fields, comparators, sharing class, authority and update cycle of each dataset."
    answer  "全部数据资源。" "Every dataset."
    refuses NONE;
get_dataset
    summary "查看一个数据资源" "Read one dataset"
    text    "同目录中的一项。" "One entry of the list."
    answer  "数据资源。" "The dataset."
    refuses &[&[DatasetNotFound]];
put_records
    summary "报送记录" "Contribute records"
    text    "一条以 JSON 报送，多条以 NDJSON 每行一条。数据源部门或授权含 `contribute` 的机构可用。记录按该数据资源的 JSON Schema 检查；`source_version` 不高于库中的予以忽略并说明。NDJSON 的每行各有答复，坏行不影响好行。"
            "One record as JSON, or many as NDJSON, one a line. For the authority of the dataset, or an agency whose grant has `contribute`. A record is checked against the dataset's JSON Schema; one whose `source_version` is not newer is ignored and said so. Each line of NDJSON is answered; bad lines do not stop good ones."
    answer  "处理结果；NDJSON 为每行一条，末行为统计。" "What became of it; for NDJSON a line each, then the summary."
    refuses &[BODY, JSON, &[InvalidHeader, NotOwner, DatasetNotFound, PreconditionFailed, InvalidIdentifier, InvalidValue, ValueTooLong], STORE];
query_record
    summary "查询一条记录" "Read one record"
    text    "数据源部门看到全部值；其他机构须有 `read`，看到获准的字段并按规定脱敏。标识只出现在请求体，不进入地址与日志。"
            "The authority sees every value; another agency needs `read` and sees permitted fields, masked where the dataset says so. Identifiers stand in the body only, never in an address or a log."
    answer  "可见的记录。" "The record as the reader may see it."
    refuses &[BODY, JSON, PURPOSE, &[TooManyItems, InvalidIdentifier, DatasetNotFound, RecordNotFound], GRANT, CEILING, STORE];
list_mismatches
    summary "差异列表" "List mismatches"
    text    "机构看到本机构办件的差异，数据源部门看到本部门数据资源的差异，管理方看到全部（不含个人信息）。按编号排序，分页。"
            "An agency sees those of its own applications, an authority those of its datasets, the bureau's people all, without what is personal. In the order of their ids, by page."
    answer  "一页差异。" "One page."
    refuses &[PAGE, STORE];
get_mismatch
    summary "查看一条差异及其经过" "Read a mismatch with its history"
    text    "与己无关的差异与不存在的差异答复相同。" "Another's mismatch is not told apart from none."
    answer  "差异。" "The mismatch."
    refuses &[&[MismatchNotFound], STORE];
act_on_mismatch
    summary "处理一条差异" "Act on a mismatch"
    text    "每个动作须带 `Idempotency-Key`；同键同内容得到第一次的答复，逐字节相同（`Idempotent-Replayed: true`），至少保留 72 小时。状态、更正后的记录、须告知的各方与存证条目同时成立或同时不成立。\n\n- `accept_record`：业务系统以记录为准，系统推送获准的值。\n- `propose_correction`：认为记录有误，数据源部门须在工作日期限内决定。\n- `approve` 产生新的记录版本，并推送至共享平台、订阅方以及曾据旧版本得到答复的各系统；`reject` 维持记录。"
            "Each action needs an `Idempotency-Key`; the same key and body get the first answer byte for byte (`Idempotent-Replayed: true`), for at least 72 hours. State, corrected record, what must be told to whom and ledger entries stand together or not at all.\n\n- `accept_record`: the business system takes the record's values, and the hub pushes those that it may have.\n- `propose_correction`: the record is said to be wrong; the authority decides within working days.\n- `approve` makes a new version of the record, pushed to the sharing platform, to subscribers and to every system that was answered from an older version; `reject` upholds the record."
    answer  "处理后的差异。" "The mismatch after the action."
    refuses &[BODY, JSON, &[InvalidHeader, PreconditionRequired, MismatchNotFound, RoleNotAllowed, NotInThisState, IdempotencyInProgress, IdempotencyKeyReused, InvalidValue, UnknownField, ValueTooLong, TooManyItems], STORE];
check_item
    summary "核验一个事项的全部材料" "Check every material of a service item"
    text    "按事项编码取材料清单，一次核验全部材料，并给出一次性告知：只列申请人还需提交的，不列本市已掌握的。核验与批量核验相同：同样的授权、猜测限额与差异，共用一条存证。\n\n- 申请人的姓名、号码等在 `applicant` 中只填一次；各材料自己的值在 `materials` 中。\n- 数据源未能查询、授权未覆盖时答 `unavailable`，由窗口继续核验，不向申请人索要。\n- 材料清单尚未登记的事项答 `not_known`，不作推测。"
            "Takes what the item needs by its code, verifies all of it at once, and gives the one-time notice: what the applicant must still bring, and nothing that the city already knows. It is verified as a batch is: the same grants, guess budget and mismatches, one ledger entry.\n\n- The applicant's name and numbers are given once, in `applicant`; values of single materials stand in `materials`.\n- A register that could not be asked, or that no grant covers, is `unavailable`: the counter goes on with it, and the applicant is not asked for it.\n- An item whose materials nobody has registered gets `not_known`; nothing is guessed."
    answer  "每份材料的结果与一次性告知。" "What became of each material, and the notice."
    refuses &[BODY, JSON, PURPOSE, &[TooManyItems, ItemNotFound], STORE];
add_watch
    summary "核验并关注" "Verify and watch"
    text    "先按单次核验的同一路径核验（同样的授权、猜测限额、存证与回执），再关注到 `until` 当日（北京时间）为止：记录更正、状态变更或日期到期使结论改变时，以事件 `verification.would_change` 推送给订阅了它的系统；没有订阅的，用 `GET /v1/watches/{id}` 查看。结论不变不通知。

- 申报值加密保存，关注终止即删除。
- 日期条件可写 `$today`、`$today+1y`，指每次查看当日；仅限不计猜测的日期字段（如证照有效期）。
- 授权终止，关注随之静默终止。"
            "Verified first, by the same path as a single verification (same grants, guess budget, ledger entry and receipt), and then watched to the end of the day `until` (China time): when a correction, a change of status or a date changes the verdict, the event `verification.would_change` goes to the subscriptions that list it; without one, look with `GET /v1/watches/{id}`. No notice when the verdict stays.

- Claims are kept sealed, and forgotten when the watch ends.
- A date of a predicate may be `$today` or `$today+1y`: the day of each look; only in date fields whose guesses are free (such as a licence's validity).
- The watch ends, quietly, with the grant."
    answer  "核验结论与关注。" "The verification, and the watch."
    refuses &[BODY, JSON, PURPOSE, &[TooManyItems, InvalidValue, InvalidIdentifier, UnknownField, InvalidClaim, InvalidPredicate], GRANT, CEILING, STORE];
list_watches
    summary "关注列表" "List watches"
    text    "本机构的关注，按编号排序，分页。" "The agency's own, in the order of their ids, by page."
    answer  "一页关注。" "One page."
    refuses &[PAGE, STORE];
get_watch
    summary "查看关注" "Read a watch"
    text    "最近一次告知的结论；`state` 表示与最初的核验相比是否改变。" "What was told last; `state` says whether it differs from the first verification."
    answer  "关注。" "The watch."
    refuses &[&[WatchNotFound], STORE];
remove_watch
    summary "终止关注" "End a watch"
    text    "所申报的值随即删除；已终止的仍为终止。" "What was claimed is forgotten at once; one that has ended stays so."
    answer  "已终止。" "It has ended."
    refuses &[&[WatchNotFound], STORE];
open_case
    summary "牵头机构发起联办" "Open a joint case"
    text    "同一申请由多个机构共同办理时，牵头机构列明各协办机构、其事项与有效期。此后牵头机构在联办件中所作的核验，协办机构可在有效期内复用。

- 复用不扩大授权：协办机构只得到其自身授权对其自身事项所允许的字段。
- 每次复用各有存证与回执。"
            "When several agencies handle one application, the lead names the others, their items and a validity. What the lead then verifies within the case, the others may use again while it is valid.

- Using a check again widens no grant: each agency gets the fields that its own grant allows for its own item.
- Each use has its own ledger entry and receipt."
    answer  "联办件。" "The case."
    refuses &[BODY, JSON, PURPOSE, &[InvalidValue, TooManyItems], STORE];
list_cases
    summary "联办件列表" "List joint cases"
    text    "本机构牵头或协办的，按编号排序，分页；不含各项核验。" "Those that the agency leads or handles, in the order of their ids, by page; without their checks."
    answer  "一页联办件。" "One page."
    refuses &[PAGE, STORE];
get_case
    summary "查看联办件" "Read a joint case"
    text    "含可供本机构复用的各项核验，不含结论：结论只由复用得到。他人的联办件与不存在的同样答 404。" "With the checks that the agency may use, without verdicts: those come from a reuse alone. Another's case gets 404 as if there were none."
    answer  "联办件。" "The case."
    refuses &[&[CaseNotFound], STORE];
close_case
    summary "结束联办" "Close a joint case"
    text    "牵头机构结束后，其中的核验不能再复用。" "Once the lead has closed it, nothing of it may be used again."
    answer  "已结束。" "It is closed."
    refuses &[&[CaseNotFound, NotOwner], STORE];
check_in_case
    summary "在联办件中核验" "Verify within a joint case"
    text    "牵头机构按单次核验的同一路径核验，事由取自联办件；`ref` 供协办机构识别。" "The lead verifies by the same path as a single verification, for the case's purpose; the others know the check by its `ref`."
    answer  "核验结论与序号。" "The verification, and its number."
    refuses &[BODY, JSON, &[CaseNotFound, NotOwner, NotInThisState, TooManyItems, InvalidValue, InvalidIdentifier, UnknownField, InvalidClaim, InvalidPredicate, ValueTooLong], GRANT, CEILING, STORE];
reuse_check
    summary "复用牵头机构的核验" "Use the lead's check again"
    text    "不填申报值，只填对象标识与本机构事由：得到牵头机构的逐字段结论中本机构授权所允许的部分，其余为 `not_permitted`。记录已有新版本时答 409 `check_superseded`，请自行核验。对象不同、事项不符、未列明的，一律答 404。"
            "No claim is stated, only the subject's identifiers and the agency's own purpose: the answer is the lead's verdicts as far as the agency's own grant goes, `not_permitted` elsewhere. When the record has a new version the answer is 409 `check_superseded`: verify anew. Another subject, another item or an agency that is not named gets 404."
    answer  "本机构可知的结论。" "The verdicts that the agency may know."
    refuses &[BODY, JSON, PURPOSE, &[InvalidParameter, CaseNotFound, DatasetNotFound, NotInThisState, CheckSuperseded, InvalidIdentifier, TooManyItems], GRANT, CEILING, STORE];
put_items
    summary "登记事项" "Register service items"
    text    "一项以 JSON 登记，多项以 NDJSON 每行一项；本市清单的成员名（`item_code`、`item_name` 等）可直接使用。版本不新于现行版本的予以忽略并说明。每项都按数据资源目录检查；`materials` 省略表示材料未知。"
            "One item as JSON, or many as NDJSON, one a line; the member names of the city's own list (`item_code`, `item_name` …) are taken as they are. A version that is not newer than the one that counts is ignored and said so. Each is checked against the catalogue of datasets; `materials` left out means not known."
    answer  "登记结果；NDJSON 为每行一条，末行为统计。" "What became of it; for NDJSON a line each, then the summary."
    refuses &[BODY, JSON, &[TooManyItems, DuplicateMember, InvalidValue, InvalidClaim, InvalidPredicate, UnknownField, ValueTooLong], STORE];
list_items
    summary "事项列表" "List service items"
    text    "随系统提供的与登记的，按编码排序，分页。" "Those that ship and those that were registered, in the order of their codes, by page."
    answer  "一页事项。" "One page."
    refuses &[PAGE];
report_items
    summary "可核验却仍要求纸质件的材料" "Materials demanded on paper that could be verified"
    text    "可通过共享核验的材料不得再向申请人索要。列出两类：事项已登记核验方式却仍要求纸质件的；未登记核验方式、而其他事项的同名材料已可核验的。"
            "The rule forbids demanding what can be verified by sharing. Two kinds are listed: the item names the register and demands the paper all the same; the item names none, and another item proves a material of that name."
    answer  "统计与一页材料。" "Counts, and one page."
    refuses &[PAGE];
get_item
    summary "查看事项" "Read a service item"
    text    "现行版本，含材料清单与核验方式。" "The version that counts, with its materials and how each is proven."
    answer  "事项。" "The item."
    refuses &[&[ItemNotFound]];
verify_licence_file
    summary "验证证照文件" "Verify a licence's file"
    text    "multipart/form-data，各部分依次为 `purpose`、`question`（JSON）、可选的 `signature` 与 `certificate`、最后是 `file`。文件边收边算 SHA-256 与 SM3，从不保存；两个摘要作为申报值与登记比对，授权、猜测预算、存证、回执与差异均同普通核验。\n\n- `validity` 为证照在 `on` 当日的状态；日期仅对有 `read` 的授权给出。\n- 签名算法由证书密钥决定；`outcome` 不含签名结论，须另看 `signature`。\n- 未写 `dataset` 且颁发机构在外地的，转到所配置的异地证照数据资源。"
            "multipart/form-data: `purpose`, `question` (JSON), optionally `signature` and `certificate`, and last `file`. The file is hashed with SHA-256 and SM3 as it comes and is never stored; both digests are claims against the register, with the grants, guess budget, ledger entry, receipt and mismatch of any verification.\n\n- `validity` is how the licence stands on the day `on`; dates are given to a grant with `read` alone.\n- The algorithm is that of the certificate's key. `outcome` says nothing of the signature: look at `signature`.\n- Without `dataset`, a licence that was issued elsewhere is asked of the dataset that is configured for such."
    answer  "文件、标识、状态与签名的结论。" "What was found of the file, the identifier, the validity and the signature."
    refuses &[BODY, JSON, PURPOSE, &[InvalidMultipart, TooManyItems, InvalidValue, InvalidIdentifier, UnknownField, InvalidClaim, InvalidPredicate], GRANT, CEILING, STORE];
query_licence
    summary "按持证主体查询证照" "Find a licence by its holder"
    text    "须同时给出证照类型、证照编号与持证主体代码，按证照上所载；不能浏览某人的证照。三者有一不符，即按全部不符答复，并计入该持证主体的猜测预算；预算用尽时，无论对错均答 `review`。查到后按授权答复，同普通核验。"
            "Type, number on the face and holder must be given together, as they stand on the licence: nobody's licences can be browsed. One of the three wrong is answered as all of them wrong, and counts against the holder's guess budget; once that is used up, right ones are answered `review` as well. What is found is answered like any verification, by the grant."
    answer  "查到的证照，或不符。" "The licence that was found, or a mismatch."
    refuses &[BODY, JSON, PURPOSE, &[TooManyItems, InvalidValue, UnknownField, InvalidClaim, InvalidPredicate], GRANT, CEILING, STORE];
add_subscription
    summary "新增订阅" "Add a subscription"
    text    "按 Standard Webhooks 签名推送 CloudEvents。签名密钥只在本次答复中出现。订阅不扩大授权：推送时按当时的授权决定内容；没有 `read` 的机构只收到它曾据旧版本得到答复的记录的变更，且不含值。"
            "CloudEvents, signed as Standard Webhooks. The signing secret stands in this answer only. A subscription widens no grant: what is pushed is decided when it is pushed; an agency without `read` hears only of records that it was answered from in an older version, and without values."
    answer  "订阅及其密钥。" "The subscription and its secret."
    refuses &[BODY, JSON, &[InvalidValue, TargetNotAllowed, TooManyItems], STORE];
list_subscriptions
    summary "订阅列表" "List subscriptions"
    text    "机构看到本机构的，管理方看到全部；不含密钥。" "An agency sees its own, the bureau's people all; without secrets."
    answer  "订阅。" "The subscriptions."
    refuses NONE;
get_subscription
    summary "查看订阅" "Read a subscription"
    text    "不含密钥。" "Without its secret."
    answer  "订阅。" "The subscription."
    refuses &[&[SubscriptionNotFound]];
remove_subscription
    summary "删除订阅" "Remove a subscription"
    text    "未送达的内容不再推送。" "What it has not received is not sent any more."
    answer  "已删除。" "It is removed."
    refuses &[&[SubscriptionNotFound], STORE];
rotate_subscription_secret
    summary "更换签名密钥" "Rotate the signing secret"
    text    "新密钥只在本次答复中出现；重叠期内新旧密钥同时签名。被 410 停用的订阅随之恢复。" "The new secret stands in this answer only; during the overlap both sign. A subscription that was disabled by a 410 comes back."
    answer  "订阅及新密钥。" "The subscription and its new secret."
    refuses &[&[SubscriptionNotFound], STORE];
test_subscription
    summary "发送测试事件" "Send a test event"
    text    "只试一次；结果用 `GET /v1/deliveries` 查看。" "Tried once; see the result with `GET /v1/deliveries`."
    answer  "测试的投递编号。" "The delivery of the test."
    refuses &[&[SubscriptionNotFound], STORE];
list_deliveries
    summary "投递列表" "List deliveries"
    text    "机构看到发往本机构订阅的，管理方看到全部。由早到晚，分页。" "An agency sees those to its own subscriptions, the bureau's people all. Oldest first, by page."
    answer  "一页投递。" "One page."
    refuses &[PAGE, STORE];
replay_deliveries
    summary "重投一段时间的死信" "Try dead deliveries again"
    text    "编号不变，接收方据 `webhook-id` 与记录版本去重。至多 10000 条。" "Ids stay the same: receivers tell repeats apart by `webhook-id` and the record's version. At most 10,000."
    answer  "重投的数量。" "How many are tried again."
    refuses &[BODY, JSON, &[InvalidValue], STORE];
replay_delivery
    summary "重投一条" "Try one delivery again"
    text    "用于死信、已取消或被取代的投递。" "For one that is dead, cancelled or superseded."
    answer  "投递。" "The delivery."
    refuses &[&[DeliveryNotFound, NotInThisState], STORE];
}
