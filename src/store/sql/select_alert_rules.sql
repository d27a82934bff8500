WITH RECURSIVE rules (rule) AS (
    SELECT min(rule) FROM alerts
    UNION ALL
    SELECT (SELECT min(a.rule) FROM alerts AS a WHERE a.rule > rules.rule) FROM rules WHERE rules.rule IS NOT NULL
), found (rule, class) AS (
    SELECT rules.rule, (SELECT min(a.class) FROM alerts AS a WHERE a.rule = rules.rule) FROM rules WHERE rules.rule IS NOT NULL
    UNION ALL
    SELECT found.rule, (SELECT min(a.class) FROM alerts AS a WHERE a.rule = found.rule AND a.class > found.class) FROM found WHERE found.class IS NOT NULL
)
SELECT rule, class FROM found WHERE class IS NOT NULL
