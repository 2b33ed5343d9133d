import hashlib
def evaluate(path):
    text = open(path).read()
    return {"combined_score": int(hashlib.sha256(text.encode()).hexdigest()[:6], 16) / 2**24}
