//! Texts of problems with something that is not there, is there already, or has changed meanwhile.
//! "Not found" is also what a caller sees who may not know that the thing exists.

use super::explain;

explain! {
ROUTE_NOT_FOUND
    meaning  "没有这个地址。"
             "There is no such address."
    cause    "路径拼写错误、缺少 /v1 前缀、末尾多了斜杠，或把管理端口的地址用在了公共端口。"
             "A misspelt path, a missing /v1, a trailing slash, or an address of the admin listener used on the public one."
    caller   "对照 /docs 核对路径。健康检查与指标只在管理端口提供。"
             "Compare the path with /docs. Health and metrics are on the admin listener only."
    operator "若是网关转发而来，检查其路径改写规则。"
             "If a gateway forwards it, check its path rewriting."

DATASET_NOT_FOUND
    meaning  "没有这个名称的数据资源。"
             "There is no dataset of this name."
    cause    "dataset 的名称拼写有误，或该数据资源尚未在本系统编目。"
             "The dataset name is misspelt, or it is not in this hub's catalogue."
    caller   "用 GET /v1/datasets 查看可用的名称，例如 natural-person、legal-entity。"
             "See the names with GET /v1/datasets, for example natural-person or legal-entity."
    operator "新增数据资源只需在 schemas/datasets 下增加一个文件并重启；启动日志会列出已编目的数据资源。"
             "A new dataset needs one file in schemas/datasets and a restart; the start-up log lists what was compiled."

RECEIPT_NOT_FOUND
    meaning  "没有这个来源、这个序号的核验回执。"
             "There is no receipt of this origin and index."
    cause    "序号或来源（origin）抄写有误，或该回执由另一个节点签发。"
             "Index or origin was copied wrongly, or another node issued the receipt."
    caller   "以核验结果中的 receipt.origin 与 receipt.index 原样查询；刚签发的回执可加请求头 Prefer: wait=2。"
             "Ask with receipt.origin and receipt.index exactly as answered; for a fresh receipt send Prefer: wait=2."
    operator "若调用方持有回执而此处没有，请立即运行 heyan ledger verify，并与已公布的检查点比对。"
             "If a caller holds a receipt that is missing here, run heyan ledger verify at once and compare with published checkpoints."

VERIFICATION_NOT_FOUND
    meaning  "没有这个编号的核验，或它不属于本机构。"
             "There is no verification of this id, or it is not yours."
    cause    "编号抄写有误、属于其他机构，或已超过保存期限。"
             "The id was copied wrongly, belongs to another agency, or is past its retention."
    caller   "使用核验结果中的 id（以 ver_ 开头）原样查询。"
             "Use the id from the answer as it is; it begins with ver_."
    operator "可由审计员按 trace_id 或回执序号在存证日志中查找。"
             "An auditor can find it in the ledger by trace_id or receipt index."

MISMATCH_NOT_FOUND
    meaning  "没有这个编号的差异，或它与本机构无关。"
             "There is no mismatch of this id, or it is not yours."
    cause    "编号抄写有误，或该差异属于其他机构的办件、其他部门的数据资源。"
             "The id was copied wrongly, or it belongs to another agency's application or another authority's dataset."
    caller   "使用核验结果中的 mismatch.id（以 mis_ 开头）原样查询，或用 GET /v1/mismatches 列出。"
             "Use mismatch.id from the answer as it is (it begins with mis_), or list yours with GET /v1/mismatches."
    operator "审计员可按编号在存证日志中查找。"
             "An auditor can find it in the ledger by its id."

SUBSCRIPTION_NOT_FOUND
    meaning  "没有这个编号的订阅，或它不属于本机构。"
             "There is no subscription of this id, or it is not yours."
    cause    "编号有误，或订阅已删除。"
             "The id is wrong, or the subscription was removed."
    caller   "用 GET /v1/subscriptions 查看本机构的订阅。"
             "See yours with GET /v1/subscriptions."
    operator "无需处理。"
             "Nothing to do."

DELIVERY_NOT_FOUND
    meaning  "没有这个编号的投递。"
             "There is no delivery of this id."
    cause    "编号抄写有误。"
             "The id was copied wrongly."
    caller   "用 GET /v1/deliveries 查看投递；编号以 dlv_ 开头。"
             "See deliveries with GET /v1/deliveries; ids begin with dlv_."
    operator "编号即推送请求头 webhook-id 的值。"
             "The id is the value of the webhook-id header."

ITEM_NOT_FOUND
    meaning  "没有这个编码的政务服务事项，未作核验。"
             "There is no service item of this code; nothing was verified."
    cause    "事项编码抄写有误，或该事项尚未登记。"
             "The code was copied wrongly, or the item was never registered."
    caller   "用 GET /v1/items 查看已登记的事项；单独的核验不需要登记事项。"
             "See what is registered with GET /v1/items; a single verification needs no registered item."
    operator "由管理人员登记事项：heyan item import，或 PUT /v1/items。"
             "A manager registers items: heyan item import, or PUT /v1/items."

SEAL_NOT_FOUND
    meaning  "没有可由您办理的这一封存。"
             "There is no such seal that you may act on."
    cause    "编号或案号抄写有误、封存已解除或申请已过期，或封存由他人设定。"
             "The id or the case number was copied wrongly, the seal was lifted or its request is too old, or it is somebody else's."
    caller   "向申请封存的审计人员核对编号与案号；本人的封存见 GET /v1/traces/seals。"
             "Check id and case number with the auditor who asked for it; see your own with GET /v1/traces/seals."
    operator "无需处理：与己无关的封存与不存在的答复相同。"
             "Nothing to do: a seal of others is not told apart from none."
WATCH_NOT_FOUND
    meaning  "没有这个编号的关注，或它不属于本机构。"
             "There is no watch of this id, or it is not yours."
    cause    "编号有误，或关注终止已超过 30 天。"
             "The id is wrong, or the watch ended more than 30 days ago."
    caller   "用 GET /v1/watches 查看本机构的关注；编号以 wat_ 开头。"
             "See yours with GET /v1/watches; ids begin with wat_."
    operator "无需处理。"
             "Nothing to do."

CASE_NOT_FOUND
    meaning  "没有这个联办件或其中的这项核验，或它与本机构、所填事项、所填对象无关。"
             "There is no such joint case or check, or it is not for your agency, the item or the subject that you name."
    cause    "编号有误；联办件未列本机构及该事项；或对象标识与牵头机构核验的不是同一对象。"
             "The id is wrong; the case does not name your agency with this item; or the subject is not the one that the lead verified."
    caller   "用 GET /v1/cases 查看本机构参与的联办件；核对事项编码与对象标识，或自行核验。"
             "See yours with GET /v1/cases; compare item code and subject, or verify by yourself."
    operator "无需处理。"
             "Nothing to do."

CHECK_SUPERSEDED
    meaning  "牵头机构核验之后，记录或规则已有变化（或当时未告知记录版本），其结果不能再用。"
             "The record or the rules changed since the lead verified (or no version was told then); its result cannot be used again."
    cause    "记录有了新版本，或牵头机构的答复中没有记录版本。"
             "The record has a new version, or the lead's answer named none."
    caller   "按正常途径自行核验：POST /v1/verifications。"
             "Verify anew by the normal path: POST /v1/verifications."
    operator "无需处理。"
             "Nothing to do."
ALERT_NOT_FOUND
    meaning  "没有这个编号的警示。"
             "There is no alert of this id."
    cause    "编号抄写有误，或来自另一个枢纽。"
             "The id was copied wrongly, or is another hub's."
    caller   "用 GET /v1/supervision/alerts 查看现有警示。"
             "See what there is with GET /v1/supervision/alerts."
    operator "无需处理。"
             "Nothing to do."

RULE_NOT_FOUND
    meaning  "规则文件中没有这个编号的监察规则。"
             "The rules' file has no rule of this id."
    cause    "编号抄写有误，或该规则已从文件中删去。"
             "The id was copied wrongly, or the rule was taken out of the file."
    caller   "用 GET /v1/supervision/rules 查看生效的规则。"
             "See the rules in force with GET /v1/supervision/rules."
    operator "规则文件在 supervision.rules_file；改后重启生效。"
             "The rules' file is named by supervision.rules_file; it holds from the next start on."

NOT_IN_THIS_STATE
    meaning  "所指对象当前的状态不允许这个操作，未作处理。"
             "The state of what is named does not allow this; nothing was done."
    cause    "该差异或投递已由他人处理，或操作次序不对，例如尚未提出更正就批准。"
             "Somebody else has dealt with the mismatch or delivery, or the order is wrong, such as approving what was never proposed."
    caller   "先读取当前状态（GET），再决定下一步；新的操作用新的 Idempotency-Key。"
             "Read the present state (GET), then decide; a new action needs a new Idempotency-Key."
    operator "无需处理。"
             "Nothing to do."

AGENCY_NOT_FOUND
    meaning  "没有登记这个机构。"
             "No such agency is registered."
    cause    "机构标识有误，或尚未登记。"
             "The agency id is wrong, or it was never registered."
    caller   "用 heyan agency list 或 GET /v1/agencies 查看已登记的机构。"
             "See the registered ones with heyan agency list or GET /v1/agencies."
    operator "用 heyan agency add 登记，填写 18 位统一社会信用代码。"
             "Register it with heyan agency add and its 18-character credit code."

GRANT_NOT_FOUND
    meaning  "没有这个编号的授权。"
             "There is no grant of this id."
    cause    "编号有误，或看到的是旧列表。"
             "The id is wrong or comes from an old list."
    caller   "用 heyan grant list 重新查看。已撤销的授权仍会列出，并标明撤销时间。"
             "Look again with heyan grant list. Revoked grants stay listed with the time of revocation."
    operator "无需处理。"
             "Nothing to do."

USER_NOT_FOUND
    meaning  "没有这个用户。"
             "There is no such user."
    cause    "用户标识有误，或用户已被删除。"
             "The user id is wrong, or the user was removed."
    caller   "用 heyan user list 查看现有用户。"
             "See the users with heyan user list."
    operator "无需处理。"
             "Nothing to do."

RECORD_NOT_FOUND
    meaning  "库中没有这一对象的记录。"
             "There is no record of this subject."
    cause    "标识有误、对象不在本地登记，或数据源部门尚未报送。"
             "The identifier is wrong, the subject is registered elsewhere, or the authority has not contributed it yet."
    caller   "请申请人出示原件核对标识；确认无误的，联系数据源部门核实。此结果不等于材料虚假。"
             "Check the identifier against the original document; if it is right, ask the authority. This does not mean that the document is false."
    operator "核对该数据资源最近一次报送的时间与数量，以及 FILE.rejected.ndjson 中被拒收的行。"
             "Check when and how much was last contributed, and the rejected rows in FILE.rejected.ndjson."

PROBLEM_NOT_FOUND
    meaning  "没有这个问题代码的说明页。"
             "There is no page for this problem code."
    cause    "代码拼写有误，或来自另一版本的系统。"
             "The code is misspelt or belongs to another version."
    caller   "在 /problems 查看全部代码。"
             "See all codes at /problems."
    operator "升级时请同时更新各节点，避免代码与说明页版本不一致。"
             "Upgrade all nodes together so that codes and pages agree."

TILE_NOT_FOUND
    meaning  "存证日志中还没有这个数据块。"
             "The ledger has no such tile yet."
    cause    "请求的层级或序号超出了当前检查点的范围，或部分块的宽度与检查点不一致。"
             "Level or index lies beyond the current checkpoint, or the width of a partial tile does not fit it."
    caller   "先读取 /log/checkpoint，再按其中的大小计算要取的数据块。"
             "Read /log/checkpoint first and compute the tiles from the size it states."
    operator "若检查点之内的数据块缺失，请立即运行 heyan ledger verify。"
             "If a tile within the checkpoint is missing, run heyan ledger verify at once."

ALREADY_EXISTS
    meaning  "同名或同编号的对象已经存在。"
             "An object of this name or id exists already."
    cause    "重复登记，或上一次请求其实已经成功而响应丢失。"
             "It was registered twice, or the earlier request did succeed and its answer was lost."
    caller   "先查询现有对象；若内容一致即视为成功，否则换一个名称。"
             "Look at the existing one; if it is the same, treat it as success, else choose another name."
    operator "无需处理。"
             "Nothing to do."

VERSION_CONFLICT
    meaning  "处理期间，该对象被别人修改了，本次修改没有生效。"
             "Somebody else changed the object meanwhile; this change did not take effect."
    cause    "两个系统或两名人员同时修改同一对象。"
             "Two systems or two people change the same object."
    caller   "重新读取最新版本，核对差异后再提交；不要盲目重发旧内容。"
             "Read the newest version, look at the difference and submit again; do not resend old content blindly."
    operator "若频繁出现，检查是否有两个报送程序在同时写入同一数据资源。"
             "If frequent, check whether two contributing programs write to one dataset."

PRECONDITION_FAILED
    meaning  "If-Match 给出的版本不是当前版本，修改没有生效。"
             "The version in If-Match is not the current one; nothing was changed."
    cause    "读取之后，记录又有了新版本。"
             "The record has got a new version since it was read."
    caller   "重新读取，取得新的 ETag，确认仍需修改后再提交。"
             "Read again, take the new ETag, and submit if the change is still needed."
    operator "无需处理。"
             "Nothing to do."

IDEMPOTENCY_IN_PROGRESS
    meaning  "使用同一 Idempotency-Key 的上一个请求还在处理。"
             "An earlier request with the same Idempotency-Key is still being processed."
    cause    "没有等到响应就重发，或两个线程共用了一个键。"
             "It was sent again before the answer came, or two threads share a key."
    caller   "按 Retry-After 稍候，再用同一个键、同样的内容重发，将得到第一次的结果。"
             "Wait as Retry-After says and send the same key and body again: the first answer comes back."
    operator "若长时间不消失，按 trace_id 查看首个请求是否卡在数据源或数据库。"
             "If it does not go away, see by trace_id whether the first request hangs at a source or the database."

PRECONDITION_REQUIRED
    meaning  "此操作必须带上条件请求头，detail 写明是 If-Match 还是 Idempotency-Key。"
             "This operation needs a conditional header; detail says whether If-Match or Idempotency-Key."
    cause    "缺少该请求头。要求它是为了避免覆盖他人的修改，或因重试而重复办理。"
             "The header is missing. It keeps a change from overwriting another one, and a retry from acting twice."
    caller   "If-Match 填写读取时得到的版本，如 \"7\"；Idempotency-Key 每次新操作生成一个随机值，重试时保持不变。"
             "Put the version that you read into If-Match, such as \"7\"; make a random Idempotency-Key per new action and keep it for retries."
    operator "若调用方确认已发送，检查网关是否去掉了该请求头。"
             "If the caller is sure to send it, check whether a gateway drops the header."
}
