SELECT DISTINCT target FROM deliveries WHERE state = 'pending'
