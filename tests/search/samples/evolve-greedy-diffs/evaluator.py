import hashlib, json
text = open("code").read()
number = int(hashlib.sha256(text.encode()).hexdigest()[:6], 16) / 2**24
json.dump({"success": number > 0.1, "eval_score": round(number, 6), "lines": text.count("\n")}, open("results.json", "w"))
