select dataset, count(*) from records group by dataset
