# Adds a todo for each argument, then prints all. Start it by one command, with Python 3 and nothing else:
#   SETLOGGER_TOKEN=$(setlogger app add todos --scope todos:rw) python3 todos.py "Buy milk"
import json, os, sys, urllib.request, uuid

def call(method, path, body=None):
    url = os.environ.get("SETLOGGER_URL", "http://127.0.0.1:7373") + path
    headers = {"Authorization": "Bearer " + os.environ["SETLOGGER_TOKEN"], "Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers, method=method)
    try:
        return json.load(urllib.request.urlopen(request))
    except urllib.error.HTTPError as error:
        sys.exit("%(detail)s (%(title)s)" % json.load(error))

call("POST", "/v1/buckets", {"name": "todos"})
for title in sys.argv[1:]:
    todo = {"type": "CREATE_NODE", "id": str(uuid.uuid4()), "properties": {"title": title, "done": False}}
    call("POST", "/v1/buckets/todos/actions", todo)
for node in call("GET", "/v1/buckets/todos/nodes")["nodes"]:
    print("[x]" if node["value"]["done"] else "[ ]", node["value"]["title"])
