"""All that speaks to AWS. boto3 is imported nowhere else, and only in Jobs and the administrator's commands."""
