#!/usr/bin/env bash
# What: scripts and workflows parse, npm's lock files name no registry, and what the pages name is there
# Needs: node yaml
git ls-files 'tests/*.sh' tests/run .ci/run | xargs -n 1 bash -n
git ls-files 'tests/*.mjs' | xargs -n 1 node --check
tests/.cache/python/bin/python - <<'EOT'
import glob, yaml
for path in glob.glob(".github/workflows/*.yml"):
    jobs = yaml.safe_load(open(path))["jobs"]
    assert all("steps" in job for job in jobs.values()), path
EOT
if git ls-files '*package-lock.json' | xargs grep -n '"resolved"'; then
  echo 'take the lines with "resolved" out of them: npm finds the packages by its own configuration'
  exit 1
fi

tests/.cache/python/bin/python - <<'EOT'
import os, re, sys
faults = []
page = open("docs/comparison.md").read()
for text, place in re.findall(r"\[([^\]]+)\]\(([^)]+)\)", page):
    path = os.path.normpath(f"docs/{place}")
    if "://" in place:
        continue
    if not os.path.isfile(path):
        faults.append(f"{path} is not there")
    elif text.startswith("`"):
        # A function, a case of a table of cases, or a name in quotes.
        name = re.escape(text.strip("`"))
        if not re.search(rf"""\b(?:fn|def|func|void) {name}[(<]|^ +{name}: |(['"]){name}\1""", open(path).read(), re.M):
            faults.append(f"{path} has no test {text}")

# Each section has a table of letters, then one that says for each row of it what our letter rests on.
rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
letters = [(row[0], row[1].strip("*")) for row in rows if len(row) == 17 and row[0]]
grounds = [(row[0], row[1]) for row in rows if len(row) == 3 and row[0]]
if not letters or [what for what, _ in letters] != [what for what, _ in grounds]:
    faults.append("the two tables of a section have other rows, or another order")
for (what, letter), (_, ground) in zip(letters, grounds):
    said = {"partly": "P", "no": "N"}.get(ground.partition(": ")[0], "Y")
    if letter != said or said == "Y" and "](" not in ground:
        faults.append(f'"{what}" is {letter}, and below it says "{ground[:60]}"')
if faults:
    sys.exit("docs/comparison.md: " + "\ndocs/comparison.md: ".join(faults))
EOT

tests/.cache/python/bin/python - <<'EOT'
import os, re, subprocess, sys
pages = subprocess.run(["git", "ls-files", "*.md"], capture_output=True, text=True, check=True).stdout.split()
faults = []
for page in pages:
    for place in re.findall(r"\]\(([^)\s]+)\)", open(page).read()):
        path = os.path.normpath(os.path.join(os.path.dirname(page), place.partition("#")[0]))
        if "://" not in place and not place.startswith(("#", "mailto:")) and not os.path.exists(path):
            faults.append(f"{page}: {place} is not there")
if faults:
    sys.exit("\n".join(faults))
EOT
