//! Texts of problems on the hub's own side (5xx).
//! None of them says anything about the subject: an outage is never a mismatch.

use super::explain;

explain! {
INTERNAL
    meaning  "系统内部出错，本次没有得出结果。"
             "The hub failed inside; there is no answer."
    cause    "程序缺陷或未预料的运行环境问题。"
             "A defect or something unexpected in the environment."
    caller   "稍后重试一次；仍然失败的，把 trace_id 与时间告知运维人员。不要据此认定材料不一致。"
             "Try once more a little later; if it fails again, give trace_id and time to the operators. Never read it as a mismatch."
    operator "按 trace_id 在日志中查找 ERROR 记录。日志不含个人信息，可随缺陷报告一并提交。"
             "Find the ERROR line by trace_id. Logs hold no personal data and may go with the bug report."

LEDGER_UNAVAILABLE
    meaning  "存证日志暂时无法写入。没有存证就不给出答复，故本次未答。"
             "The ledger cannot be written. Nothing is answered without an entry, so there is no answer now."
    cause    "磁盘已满、磁盘故障或文件系统变为只读。"
             "The disk is full, failing, or has become read-only."
    caller   "按 Retry-After 重试；窗口可改用人工核验，并请申请人稍候。"
             "Retry as Retry-After says; at the counter, verify by hand meanwhile."
    operator "检查存证日志所在磁盘的空间与健康、/readyz 以及 heyan_ledger_append_duration_seconds；恢复后运行 heyan ledger verify。"
             "Check space and health of the ledger's disk, /readyz and heyan_ledger_append_duration_seconds; after recovery run heyan ledger verify."

STORE_UNAVAILABLE
    meaning  "数据库暂时不可用。"
             "The database is not available at the moment."
    cause    "数据库正在重启或切换、连接耗尽，或磁盘已满。"
             "It is restarting or failing over, connections are used up, or the disk is full."
    caller   "按 Retry-After 重试。"
             "Retry as Retry-After says."
    operator "查看 /readyz 中数据库一项和数据库自身的日志；检查连接数与磁盘空间。"
             "See the database check in /readyz and the database's own log; check connections and disk space."

SOURCE_UNAVAILABLE
    meaning  "权威数据源暂时无法访问，没有可以比对的数据；这不是“不一致”。"
             "The authoritative source cannot be reached, so nothing could be compared; this is not a mismatch."
    cause    "数据源系统停机、超时，或到该部门的网络中断。"
             "The source system is down or too slow, or the network to it is broken."
    caller   "按 Retry-After 重试；确需先办的，按容缺受理规定处理，事后补核。"
             "Retry as Retry-After says; if the matter cannot wait, proceed under the tolerance rules and verify later."
    operator "看 heyan_source_requests_total 中该数据源的失败原因，并联系数据源部门。若授权与数据资源允许，可启用 stale_ok 使用旧值应急。"
             "See the failures of that source in heyan_source_requests_total and call its authority. Where grant and dataset allow it, stale_ok bridges the gap with older values."

OVERLOADED
    meaning  "系统繁忙，为保证已受理的请求而暂时拒绝了本次请求。"
             "The hub is busy and refuses this request to protect those it has accepted."
    cause    "瞬时请求超过处理能力。"
             "More requests at once than can be handled."
    caller   "按 Retry-After 等待后重试，间隔逐次加长；批量任务请避开办事高峰。"
             "Wait as Retry-After says and lengthen the pause each time; run bulk work outside office hours."
    operator "看 heyan_shed_total 与主机 CPU、磁盘延迟；持续出现时扩容或对大户限速。"
             "See heyan_shed_total, CPU and disk latency; if it lasts, add capacity or limit the largest caller."

DRAINING
    meaning  "该节点正在停止服务，不再接受新请求。"
             "This node is shutting down and takes no new requests."
    cause    "正在升级或重启。"
             "An upgrade or restart."
    caller   "立即重试，通常会转到其他节点；单节点部署请稍候片刻。"
             "Try again at once: another node will usually answer; with a single node wait a moment."
    operator "属正常现象。若负载均衡仍在转发，请检查它是否以 /readyz 判断节点状态。"
             "Normal. If the load balancer still sends requests, check that it watches /readyz."
}
