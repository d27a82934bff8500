SELECT count(*) FROM watches WHERE agency = $1 AND state <> 'ended'
