"""Names of packages that everybody knows, and so the ones that are imitated. Neighbours of theirs that are honest and
well known stand here too: a name that is in the list imitates none."""

from __future__ import annotations

KNOWN: dict[str, frozenset[str]] = {
    "pypi": frozenset(
        """requests urllib3 setuptools numpy pandas django flask boto3 botocore certifi idna chardet charset-normalizer
        python-dateutil packaging pyyaml jinja2 markupsafe click cryptography colorama scipy matplotlib pillow pytest
        tensorflow torch transformers scikit-learn sqlalchemy selenium beautifulsoup4 lxml psycopg2 psycopg2-binary pymysql
        redis celery fastapi uvicorn pydantic aiohttp httpx websockets websocket-client paramiko pycryptodome pycryptodomex
        pyopenssl virtualenv poetry twine wheel cython openai anthropic langchain discord-py tweepy python-telegram-bot telethon
        web3 ethereum bitcoinlib solana opencv-python keras nltk spacy plotly seaborn jupyter notebook ipython tqdm rich
        loguru psutil pyinstaller pywin32 colorlog termcolor tabulate ansible docker kubernetes azure-core google-cloud-storage
        protobuf grpcio attrs attr ujson orjson simplejson jsonschema msgpack toml tomli zipp pyasn1 rsa oauthlib httplib2 httplib
        pycrypto pytest-cov coverage typing-extensions nose nose2 pytz tzdata tzlocal six pymongo mongoengine""".split()
    ),
    "npm": frozenset(
        """lodash express react react-dom chalk commander axios request debug moment async uuid webpack typescript eslint
        prettier babel-core rollup vite next jquery underscore bluebird classnames cross-env dotenv fs-extra glob minimist
        mkdirp mongoose mongodb mysql mysql2 nodemon passport prop-types redux redux-thunk rxjs semver socket.io socket-io
        through2 vue vuex winston yargs body-parser cors cookie-parser colors color ethers web3 discord-js node-fetch
        electron puppeteer playwright ws ua-parser-js event-stream jsonwebtoken bcrypt bcryptjs sequelize graphql
        styled-components tailwindcss postcss autoprefixer core-js tslib zone-js jest mocha chai sinon supertest
        inquirer ora boxen figlet cheerio request-promise superagent form-data qs ms rimraf yaml js-yaml xml2js ini ajv
        parcel gulp grunt bower esbuild turbo lerna pnpm yarn preact svelte angular ember-source three chart-js d3""".split()
    ),
}
